import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadLab } from '../../src/config/load.ts'
import { findProduct } from '../../src/config/product.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { initLab, type Initialized } from '../../src/workflows/init.ts'
import { loadPlaybook } from '../../src/workflows/playbook-file.ts'

const ROOT = new URL('../..', import.meta.url).pathname
let parent: string
let made: Initialized
beforeAll(async () => {
  // Playbooks run with the compiled lab.
  execFileSync('node', ['build.mjs'], { cwd: ROOT })
  parent = mkdtempSync(join(tmpdir(), 'lab-init-'))
  made = await initLab(join(parent, 'mine'))
}, 60_000)
afterAll(() => {
  rmSync(parent, { recursive: true, force: true })
})

/** What the compiler says of the directory, as an editor would underline it. */
function typeCheck(): string {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  return spawnSync('node', [tsc, '-p', made.directory], { encoding: 'utf8' }).stdout
}

const RIGHT = `import { attempt, changed, given, playbook, required, result } from 'lab'
import { $, glob } from 'lab/local'
import { command } from 'lab/steps/command'
import { file } from 'lab/steps/file'
import { readFileSync } from 'node:fs'
const made = command({ title: 'make', run: './make', creates: '/srv/made' })
const size = result({ ask: 'wc -c </srv/made', after: [made], parse: Number })
export default playbook({
  name: readFileSync('x', 'utf8') + String(await $\`id\`) + (await glob('*')).join(),
  vars: { port: 80, version: required('text') },
  plays: ({ vars, varsOf, nodes }) => [
    { name: 'p', hosts: ['web'], serial: 1, maxFail: 0, steps: (node) => [
      made,
      given({ size }, (found) => [file({ path: '/x', content: found.size.toFixed(1) + vars.port.toFixed() + varsOf(node).version.trim() })]),
      attempt({ title: 'b', steps: [made], rescue: [command({ title: 'r', run: 'true', always: true }, { on: nodes[0]?.name ?? '', when: changed(made) })] }),
    ] },
  ],
})
`

const WRONG = `import { playbook } from 'lab'
import { file } from 'lab/steps/file'
import { nothing } from 'lab/steps/nothing'
file({ pth: '/x', content: '' })
file({ path: '/x', content: '' }, { wen: 1 })
playbook({ name: 'x', vars: { port: 80 }, plays: ({ vars }) => [{ name: vars.prot, hosts: 'all', steps: [] }] })
nothing()
`

describe('a new working directory', () => {
  it('has all it takes, and a lab.yml without mistakes', async () => {
    expect(made.kept).toEqual([])
    expect(made.written).toEqual(
      expect.arrayContaining(['lab.yml', 'greet.ts', 'tsconfig.json', '.gitignore', 'apps/hello/compose.yml']),
    )
    const { spec } = await loadLab(made.directory)
    expect(spec.apps).toEqual(['hello'])
    expect(spec.groups).toMatchObject({ greeters: { nodes: ['node1', 'node2'] } })
  })

  it('never has a file overwritten', async () => {
    writeFileSync(
      join(made.directory, 'greet.ts'),
      readFileSync(join(made.directory, 'greet.ts'), 'utf8') + '// mine\n',
    )
    const again = await initLab(made.directory)
    expect(again.written).toEqual([])
    expect(again.kept).toEqual(expect.arrayContaining(['lab.yml', 'greet.ts']))
    expect(readFileSync(join(made.directory, 'greet.ts'), 'utf8')).toContain('// mine')
    await expect(initLab(join(made.directory, 'lab.yml'))).rejects.toMatchObject({ exitCode: 64 })
  })

  it('has a playbook that loads', async () => {
    const state = openStateDirectory(join(made.directory, '.lab'))
    const playbook = await loadPlaybook(join(made.directory, 'greet.ts'), findProduct(), state)
    expect(playbook).toMatchObject({ name: 'Greetings', vars: { greeting: 'hello' } })
  })

  it('shows types in an editor: what is right passes, playbooks of the pages too, what is wrong is underlined', () => {
    const texts = new Map<string, string>([
      ['right.ts', RIGHT],
      ['wrong.ts', WRONG],
    ])
    for (const page of ['README.md', 'docs/tutorial.md']) {
      const blocks = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)]
      expect(blocks.length).toBeGreaterThan(0)
      for (const [index, [, text = '']] of blocks.entries())
        texts.set(`${basename(page, '.md')}${String(index)}.ts`, text)
    }
    for (const [name, text] of texts) writeFileSync(join(made.directory, name), text)
    const found = [...typeCheck().matchAll(/^(?:\S*\/)?(\S+\.ts)\((\d+),/gm)].map(
      ([, name, line]) => `${name ?? ''} ${line ?? ''}`,
    )
    expect(found).toEqual(['wrong.ts 3', 'wrong.ts 4', 'wrong.ts 5', 'wrong.ts 6'])
  }, 120_000)
})
