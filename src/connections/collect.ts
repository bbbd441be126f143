import type { Command } from '../model/command.ts'
import { LabError } from '../model/errors.ts'
import type { KillableProcess } from './remote-process.ts'

/** How long a command may run, and who may stop it. */
export interface Limits {
  readonly node: string
  /** What it is called when it is too slow. */
  readonly title: string
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
}

/** What a command left behind; its output may be binary. */
export interface Collected {
  readonly status: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Feeds a process and gathers what it says until it ends. Aborted or out of time, it is ended on the node as well. */
export async function collect(command: KillableProcess, stdin: Command['stdin'], limits: Limits): Promise<Collected> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  command.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  command.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // A command that does not read its input is no failure; its status says what happened.
  command.stdin.on('error', () => undefined)
  command.stdin.end(stdin)
  const ended = Promise.all([command.exit, finished(command.stdout), finished(command.stderr)])
  const interruption = interrupted(limits)
  try {
    const [status] = await Promise.race([ended, interruption.promise])
    return { status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
  } catch (error) {
    ended.catch(() => undefined)
    await Promise.race([command.end(), command.exit.catch(() => undefined)])
    command.stdin.destroy()
    throw error
  } finally {
    interruption.cancel()
  }
}

function finished(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
}

/** Rejects when the caller aborts or time is up. */
function interrupted({ node, title, signal, timeoutMs }: Limits): { promise: Promise<never>; cancel: () => void } {
  let cancel: () => void = () => undefined
  const promise = new Promise<never>((_resolve, reject) => {
    const abort = () => {
      reject(signal?.reason as Error)
    }
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const seconds = String(Math.round(timeoutMs / 100) / 10)
            reject(new LabError('TIMEOUT', `${title} did not end within ${seconds} s`, { where: node }))
          }, timeoutMs)
    cancel = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
  return { promise, cancel }
}
