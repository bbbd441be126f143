import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { Io } from '../../src/cli/io.ts'
import { createSession, type Session } from '../../src/cli/session.ts'

/** What a command line printed and how it ended. */
export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Streams that remember what was written to them; no terminal. */
export function memoryIo(
  cwd: string,
  env: Io['env'] = {},
): { readonly io: Io; readonly ended: (exitCode: number) => Ended } {
  const written = { out: '', err: '' }
  const stream = (key: 'out' | 'err') => {
    const memory = new PassThrough()
    memory.on('data', (chunk: Buffer) => (written[key] += chunk.toString()))
    return memory as unknown as NodeJS.WriteStream
  }
  const [stdout, stderr] = [stream('out'), stream('err')]
  const io: Io = {
    stdin: new PassThrough() as unknown as NodeJS.ReadStream,
    stdout,
    stderr,
    env,
    cwd,
    gone: new AbortController().signal,
    out: (line) => stdout.write(`${line}\n`),
    err: (line) => stderr.write(`${line}\n`),
  }
  return { io, ended: (exitCode) => ({ exitCode, stdout: written.out, stderr: written.err }) }
}

/** Runs a command line in this process. */
export async function run(argv: readonly string[], cwd: string, env: Io['env'] = {}): Promise<Ended> {
  const { io, ended } = memoryIo(cwd, env)
  return ended(await runCommandLine(argv, io, createSession(io, new AbortController(), argv)))
}

/** A session of its own with the means to stop it; `argv` is what was typed. */
export function openSession(
  cwd: string,
  argv: readonly string[] = [],
): {
  readonly io: Io
  readonly session: Session
  readonly controller: AbortController
  readonly ended: (exitCode: number) => Ended
} {
  const controller = new AbortController()
  const memory = memoryIo(cwd)
  return { ...memory, controller, session: createSession(memory.io, controller, argv) }
}

/** A directory that is gone when the test is. */
export async function scratchDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-cli-')))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}
