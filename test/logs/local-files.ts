import { spawn } from 'node:child_process'
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogFiles } from '../../src/logs/history.ts'
import type { Command, ExecResult } from '../../src/model/command.ts'
import type { LogRecord } from '../../src/model/service-logging.ts'

/** Runs a node's commands on this machine: the scripts that read log files need a shell and coreutils, no node. */
const local: LogFiles['connection'] = {
  node: 'node1',
  async exec(command: Command): Promise<ExecResult> {
    const remote = await local.spawn(command)
    const [stdout, stderr] = await Promise.all([text(remote.stdout), text(remote.stderr)])
    return { status: await remote.exit, stdout, stderr }
  },
  spawn({ argv }, { signal } = {}) {
    const [program = '', ...args] = argv
    const child = spawn(program, args, { stdio: 'pipe' })
    const exit = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 255)))
    const kill = () => child.kill()
    signal?.addEventListener('abort', kill, { once: true })
    return Promise.resolve({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit, kill })
  },
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += String(chunk)
  return all
}

/** A directory of log files on this machine, and what the log server does with them. */
export interface LocalFiles extends LogFiles {
  append(service: string, ...lines: readonly string[]): Promise<void>
  /** Puts the file aside, as the log server does at its size limit. */
  rotate(service: string): Promise<void>
}

const made: string[] = []

/** A new, empty directory, until {@link removeLocalFiles}. */
export async function localFiles(): Promise<LocalFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-logs-'))
  made.push(directory)
  return {
    connection: local,
    directory,
    append: (service, ...lines) =>
      appendFile(join(directory, `${service}.log`), lines.map((each) => `${each}\n`).join('')),
    rotate: async (service) => {
      for (const age of [3, 2]) {
        await rename(
          join(directory, `${service}.log.${String(age - 1)}`),
          join(directory, `${service}.log.${String(age)}`),
        ).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        })
      }
      await rename(join(directory, `${service}.log`), join(directory, `${service}.log.1`))
      await writeFile(join(directory, `${service}.log`), '')
    },
  }
}

/** Removes all of them, after the last test of a file. */
export async function removeLocalFiles(): Promise<void> {
  await Promise.all(made.splice(0).map((directory) => rm(directory, { recursive: true, force: true })))
}

/** A line of a log file, `seconds` after noon. */
export function line(seconds: number, text: string, more: Partial<LogRecord> = {}): string {
  const time = new Date(Date.UTC(2026, 10, 21, 12) + seconds * 1000).toISOString().replace('Z', '000+00:00')
  const record: LogRecord = {
    ...{ time, node: 'node1', app: 'shop', service: 'web', task: 'k3n', stream: 'stdout', line: text },
    ...more,
  }
  return JSON.stringify(record)
}
