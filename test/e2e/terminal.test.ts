import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { IPty } from 'node-pty'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureSample, lab, labDirectory, labEvents, labOk, LAUNCHER } from './harness.ts'

// Compiled on installation; a machine without a compiler has everything else of lab.
const pty = await import('node-pty').catch(() => undefined)

let directory: string
beforeAll(async () => {
  await ensureSample(2)
  directory = await mkdtemp(join(tmpdir(), 'lab-terminal-'))
})
afterAll(() => rm(directory, { recursive: true }))

/** A lab command at a terminal of its own. */
class Terminal {
  readonly exit: Promise<number>
  #screen = ''
  readonly #process: IPty

  constructor(args: readonly string[]) {
    if (pty === undefined) throw new Error('node-pty is not installed')
    const env = { ...process.env, TERM: 'xterm-256color' } as Record<string, string>
    this.#process = pty.spawn(LAUNCHER, [...args], { cols: 91, rows: 31, cwd: labDirectory(), env })
    this.#process.onData((text) => (this.#screen += text))
    this.exit = new Promise((resolve) => this.#process.onExit(({ exitCode }) => resolve(exitCode)))
  }

  type(text: string): void {
    this.#process.write(text)
  }

  resize(columns: number, rows: number): void {
    this.#process.resize(columns, rows)
  }

  /** Waits until the screen showed this. */
  async shows(expected: RegExp): Promise<void> {
    await expect.poll(() => this.#screen, { timeout: 15_000, interval: 30 }).toMatch(expected)
  }
}

describe.skipIf(pty === undefined)('at a terminal (needs node-pty)', () => {
  test('ssh: a login shell with the size of the terminal, changes of it, Ctrl-C for the far side, and its exit code', async () => {
    const terminal = new Terminal(['ssh', 'node1'])
    terminal.type('echo "on $(hostname), $TERM, $(stty size)"\r')
    await terminal.shows(/on node1, xterm-256color, 31 91/)
    terminal.resize(120, 40)
    terminal.type('until [ "$(stty size)" = "40 120" ]; do sleep 0.1; done; echo "resized to $(stty size)"\r')
    await terminal.shows(/resized to 40 120/)
    terminal.type('sleep 1000 || echo "stopped with $?"\r')
    await terminal.shows(/sleep 1000/)
    terminal.type('\u0003')
    terminal.type('exit 7\r')
    expect(await terminal.exit).toBe(7)
  })

  test('exec: a shell in a container, with size, changes of it and exit code', async () => {
    const terminal = new Terminal(['exec', 'nodeapp', '--', 'bash'])
    terminal.type('echo "task $INSTANCE, $TERM, $(stty size)"\r')
    await terminal.shows(/task nodeapp\.\d, xterm-256color, 31 91/)
    terminal.resize(100, 20)
    terminal.type('until [ "$(stty size)" = "20 100" ]; do sleep 0.1; done; echo "resized to $(stty size)"\r')
    await terminal.shows(/resized to 20 100/)
    terminal.type('exit 9\r')
    expect(await terminal.exit).toBe(9)
  })

  test('a log is left with Ctrl-C', async () => {
    const terminal = new Terminal(['logs', '-f', 'nodeapp', '-n', '1'])
    await terminal.shows(/node\d .*nodeapp/)
    terminal.type('\u0003')
    expect(await terminal.exit).toBe(130)
  })
})

test('without a terminal input, output, errors and exit code pass through', async () => {
  const node = await lab(['ssh', 'node1', '--', 'cat; echo oops >&2; exit 5'], { input: 'one\ntwo\n' })
  expect(node).toMatchObject({ stdout: 'one\ntwo', stderr: 'oops', exitCode: 5 })
  const service = await lab(['exec', 'nodeapp', '--', 'sh', '-c', 'cat; echo oops >&2; exit 6'], { input: 'one\n' })
  expect(service).toMatchObject({ stdout: 'one', stderr: 'oops', exitCode: 6 })
})

test('several words are a command that no shell touches', async () => {
  const { stdout } = await labOk(['ssh', 'node1', '--', 'printf', '%s|', '$HOME', 'a b', `it's`])
  expect(stdout).toBe(`$HOME|a b|it's|`)
})

test.each([
  [['ssh', 'nod1'], 'node1'],
  [['exec', 'nodap', '--', 'true'], 'nodeapp'],
  [['cp', 'nod1:/etc/hosts', '.'], 'node1'],
])('lab %j suggests the near name', async (args, near) => {
  const ran = await lab(args)
  expect(ran.exitCode).toBe(64)
  expect(ran.stderr).toContain(`did you mean "${near}"?`)
})

test('files and directories are copied to a node, on to a container and back', async () => {
  const content = Buffer.alloc(5_000_000, 'lab ')
  await writeFile(join(directory, 'data'), content, { mode: 0o755 })
  const { last } = await labEvents(['cp', directory, 'node1:/root/copied'])
  expect(last).toMatchObject({ type: 'done', command: 'cp' })
  await labOk(['cp', 'node1:/root/copied', 'nodeapp:/tmp/'])
  await labOk(['cp', 'nodeapp:/tmp/copied/data', join(directory, 'back')])
  expect((await readFile(join(directory, 'back'))).equals(content)).toBe(true)
  expect((await stat(join(directory, 'back'))).mode & 0o777).toBe(0o755)
  await labOk(['ssh', 'node1', '--', 'rm', '-r', '/root/copied'])
})

const hasSsh = (await execa('ssh', ['-V'], { reject: false })).exitCode === 0

test.skipIf(!hasSsh)("ssh and scp work with the lab's configuration, host keys checked (needs ssh)", async () => {
  const file = join(directory, 'ssh_config')
  await writeFile(file, (await labOk(['ssh-config'])).stdout)
  expect((await execa('ssh', ['-F', file, '-o', 'BatchMode=yes', 'node2', 'hostname'])).stdout).toBe('node2')
  await execa('scp', ['-q', '-F', file, 'node1:/etc/hostname', join(directory, 'hostname')])
  expect(await readFile(join(directory, 'hostname'), 'utf8')).toBe('node1\n')
})
