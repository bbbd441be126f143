import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { docker, labOk, LAUNCHER, status } from './harness.ts'
import { isShown, readPage } from './walkthrough.ts'

const PAGE = resolve(import.meta.dirname, '../../docs/tutorial.md')
/** Where the page has the edge: what is listening on this machine already may have taken the port. */
const EDGE = 'http://127.0.0.1:8080'

let empty: string
let directory: string
beforeAll(async () => {
  empty = await realpath(await mkdtemp(join(tmpdir(), 'lab-tutorial-')))
  directory = empty
})
afterAll(async () => {
  if (directory !== empty) await labOk(['destroy', '--yes'], { cwd: directory, timeoutMs: 590_000 })
  await rm(empty, { recursive: true, force: true })
})

test('what is printed is compared with what the page shows, but for what differs between any two runs', () => {
  expect(
    isShown(['lab up  site-1a2b3c', '…', '✓ 3 changed · 12 s'], ['lab up  site-ffffff', '', '✓ 3 changed · 1 min 2 s']),
  ).toBe(true)
  expect(isShown(['lab up', '…', '✓ 3 changed'], ['lab up', 'x', '✓ 4 changed'])).toBe(false)
  expect(isShown(['✓ 3 changed'], ['! careful', '✓ 3 changed'])).toBe(false)
  expect(isShown(['content …'], ['content  anything'])).toBe(true)
})

test(
  'the tutorial, from an empty directory to a site that is mended, does what it says',
  { timeout: 1_200_000 },
  async () => {
    const actions = readPage(await readFile(PAGE, 'utf8'))
    expect(actions.length).toBeGreaterThan(20)
    let edge = EDGE
    for (const action of actions) {
      if ('name' in action) {
        await writeFile(join(directory, action.name), action.content)
        continue
      }
      const { command, output, line } = action
      if (command.startsWith('cd ')) {
        directory = join(directory, command.slice(3))
        continue
      }
      const attempt = async () => {
        const printed = await type(command.replaceAll(EDGE, edge))
        // Nodes answer in any order.
        const sorted = (lines: readonly string[]) => (command.startsWith('lab sh') ? lines.toSorted() : lines)
        return { shown: sorted(output), found: sorted(printed.map((each) => each.replaceAll(edge, EDGE))) }
      }
      let ran = await attempt()
      // On a busy machine a question may go unanswered for once; then one asks again.
      const patience = Date.now() + 240_000
      while (command === 'lab status' && !isShown(ran.shown, ran.found) && Date.now() < patience) ran = await attempt()
      const { shown, found } = ran
      if (!isShown(shown, found))
        expect(found.join('\n'), `line ${String(line)} of the page: ${command}`).toBe(shown.join('\n'))
      if (command === 'lab up') {
        edge = (await status({ cwd: directory })).edge
        // Three machines, and what leads the host's port to them.
        expect(await containers()).toHaveLength(4)
      }
    }
    expect(await containers()).toEqual([])
  },
)

/** Containers on the host that belong to the reader's lab. */
async function containers(): Promise<readonly string[]> {
  const found = await docker('ps', '-aq', '--filter', `label=lab.directory=${directory}`)
  return found.split('\n').filter((name) => name !== '')
}

/** Types a command as the reader does; lines of both outputs in their order, as a terminal keeps them. */
async function type(command: string): Promise<readonly string[]> {
  const { exitCode, all } = await execa('bash', ['-c', `exec 2>&1\n${command}`], {
    cwd: directory,
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: 600_000,
    env: { NO_COLOR: '1', PATH: `${dirname(LAUNCHER)}${delimiter}${process.env['PATH'] ?? ''}` },
  })
  expect(exitCode, `${command}\n${all}`).toBe(0)
  // What begins is told in a line of its own where there is no terminal to show it in passing.
  return all.split('\n').filter((line) => !line.startsWith('… '))
}
