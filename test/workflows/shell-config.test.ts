import { execa } from 'execa'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Machine } from '../../src/model/provider.ts'
import { renderSshConfig } from '../../src/workflows/ssh-config.ts'

function machine(name: string, port?: number): Machine {
  const ssh = port === undefined ? undefined : { host: '127.0.0.1', port, user: 'root' }
  return { name, state: ssh === undefined ? 'stopped' : 'running', address: '10.90.3.11', ssh, specDigest: '' }
}

test('every node that runs is a host with its own port, the key and the known hosts of the lab', () => {
  const text = renderSshConfig([machine('mgmt', 40001), machine('node1', 40002), machine('node2')], '/srv/lab/.lab')
  expect(text).toBe(`Host mgmt
  HostName 127.0.0.1
  Port 40001
  User root
  IdentityFile "/srv/lab/.lab/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "/srv/lab/.lab/known_hosts"
  StrictHostKeyChecking yes
  PasswordAuthentication no

Host node1
  HostName 127.0.0.1
  Port 40002
  User root
  IdentityFile "/srv/lab/.lab/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "/srv/lab/.lab/known_hosts"
  StrictHostKeyChecking yes
  PasswordAuthentication no
`)
})

const hasSsh = (await execa('ssh', ['-V'], { reject: false })).exitCode === 0

test.skipIf(!hasSsh)('OpenSSH reads paths with spaces and percent signs as they are (needs ssh)', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lab-ssh-'))
  try {
    const file = join(directory, 'config')
    await writeFile(file, renderSshConfig([machine('node1', 40002)], '/srv/50% off/my lab/.lab'))
    const { stdout } = await execa('ssh', ['-G', '-F', file, 'node1'])
    expect(stdout).toContain('hostname 127.0.0.1\n')
    expect(stdout).toContain('port 40002\n')
    expect(stdout).toMatch(/identityfile "?\/srv\/50%%? off\/my lab\/.lab\/id_ed25519"?\n/)
    expect(stdout).toMatch(/userknownhostsfile "?\/srv\/50%%? off\/my lab\/.lab\/known_hosts"?\n/)
  } finally {
    await rm(directory, { recursive: true })
  }
})
