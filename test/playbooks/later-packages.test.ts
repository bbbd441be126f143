import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { renderPackaged } from '../../src/steps/template.ts'

/** What the script makes of a host's sources. */
async function sourcesFrom(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const root = await mkdtemp(join(tmpdir(), 'lab-sources-'))
  try {
    await mkdir(join(root, 'sources.list.d'))
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text)
    const path = join(root, 'lab.list')
    const script = renderPackaged('playbooks/templates/apt-sources.sh.hbs', {
      release: 'bookworm',
      next: 'trixie',
      path,
    })
    await execa('sh', ['-s'], { input: script.replaceAll('/etc/apt/', `${root}/`) })
    return (await readFile(path, 'utf8')).split('\n').filter((line) => line.startsWith('deb '))
  } finally {
    await rm(root, { recursive: true })
  }
}

const KEY = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'

test('mirrors of lines and of paragraphs are those of the next release, and nobody else’s are', async () => {
  const found = await sourcesFrom({
    'sources.list': `# deb http://old.example/debian bookworm main
deb [arch=amd64] https://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb https://download.docker.example/linux/debian bookworm stable
`,
    'sources.list.d/debian.sources': `Types: deb deb-src
URIs: http://deb.example/debian
Suites: bookworm-updates bookworm-backports
Components: main
 non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

# of its own server
Types: deb
URIs: http://deb.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`,
    'sources.list.d/other.list': 'deb https://deb.example.org/torproject.org bookworm main\n',
  })
  expect(found).toEqual([
    `deb ${KEY} http://deb.example/debian trixie-updates main`,
    `deb ${KEY} http://deb.example/debian-security trixie-security main`,
    `deb ${KEY} https://mirror.example/debian trixie main`,
  ])
})

test('a host without a mirror that can be told is refused', async () => {
  await expect(sourcesFrom({ 'sources.list': 'deb cdrom:[Debian]/ bookworm main\n' })).rejects.toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('apt has no mirror of Debian bookworm here') as string,
  })
})
