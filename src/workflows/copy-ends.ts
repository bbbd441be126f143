import { stat, realpath } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { basename, dirname, resolve } from 'node:path'
import { PassThrough, type Writable } from 'node:stream'
import type Docker from 'dockerode'
import { execa } from 'execa'
import type { Connection, RemoteProcess } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { engineMessage, engineStatus } from '../swarm/engine.ts'
import type { PathKind } from './copy-paths.ts'

/** A stream of a tar archive, and the end of whatever makes or takes it. */
export interface Transfer<S> {
  readonly stream: S
  readonly done: Promise<unknown>
}

/** A file system files are copied from or to. */
export interface FileEnd {
  kindOf(path: string): Promise<PathKind>
  /** An archive of what is at a path; a link at the path itself is followed. */
  send(path: string, signal: AbortSignal): Promise<Transfer<AsyncIterable<Uint8Array>>>
  /** Unpacks an archive into a directory. */
  receive(directory: string, signal: AbortSignal): Promise<Transfer<Writable>>
}

/** GNU tar's status when a file changed while it was read: what was read is in the archive. */
const CHANGED = 1

/** This machine. Relative paths start at `workingDirectory`. */
export function localEnd(workingDirectory: string): FileEnd {
  const absolute = (path: string) => resolve(workingDirectory, path)
  const tar = (args: readonly string[], signal: AbortSignal) =>
    execa('tar', args, { stdin: 'pipe', buffer: { stdout: false }, reject: false, cancelSignal: signal })
  return {
    async kindOf(path) {
      try {
        return (await stat(absolute(path))).isDirectory() ? 'directory' : 'file'
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing'
        throw error
      }
    },
    async send(path, signal) {
      const real = await realpath(absolute(path))
      const local = tar(['-C', dirname(real), '-cf', '-', '--', notRoot(basename(real))], signal)
      local.stdin.end()
      // Taken at once: execa throws away output that nobody reads a moment after the start.
      const stream = local.stdout.pipe(new PassThrough())
      // One that is stopped ends only when its output is read, which then nobody does any more.
      const letGo = () => {
        local.stdout.unpipe(stream)
        local.stdout.resume()
        stream.end()
      }
      if (signal.aborted) letGo()
      else signal.addEventListener('abort', letGo, { once: true })
      return { stream, done: localDone(local, [0, CHANGED], signal) }
    },
    receive(directory, signal) {
      const local = tar(['-C', absolute(directory), '-xf', '-', '--no-same-owner'], signal)
      const done = localDone(local, [0], signal)
      return Promise.resolve({ stream: local.stdin, done })
    },
  }
}

const KIND = 'if [ -d "$1" ]; then echo directory; elif [ -e "$1" ]; then echo file; else echo missing; fi'
const SEND = `path=$(realpath -e -- "$1") || exit 2
[ "$path" != / ] || { echo "not the whole root" >&2; exit 2; }
exec tar -C "$(dirname -- "$path")" -cf - -- "$(basename -- "$path")"`

/** A node. Relative paths start at root's home. */
export function nodeEnd(connection: Connection): FileEnd {
  return {
    async kindOf(path) {
      const { stdout } = await connection.exec({ argv: ['sh', '-c', KIND, 'kind', path] })
      return stdout.trim() as PathKind
    },
    async send(path, signal) {
      const remote = await connection.spawn({ argv: ['sh', '-c', SEND, 'send', path] }, { signal })
      remote.stdin.end()
      return { stream: remote.stdout, done: remoteDone(remote, connection.node, [0, CHANGED], signal) }
    },
    async receive(directory, signal) {
      const argv = ['tar', '-C', directory, '-xf', '-', '--no-same-owner']
      const remote = await connection.spawn({ argv }, { signal })
      remote.stdout.resume()
      // Input and output of a remote process are one channel: whoever is done writing must not close it.
      const stream = new PassThrough()
      remote.stdin.on('error', (error) => stream.destroy(error))
      stream.pipe(remote.stdin)
      return { stream, done: remoteDone(remote, connection.node, [0], signal) }
    },
  }
}

/** Bits of the file mode the engine reports. */
const DIRECTORY = 2 ** 31
const LINK = 2 ** 27

/** A container. The engine reads and writes its files, so that it needs no programs of its own. */
export function containerEnd(container: Docker.Container, shown: string): FileEnd {
  const failed = (error: unknown) => new LabError('COPY', engineMessage(error), { where: shown, cause: error })
  const look = async (path: string) => {
    try {
      const answer = (await container.infoArchive({ path })) as IncomingMessage
      // There is no body, but until it was read the channel to the engine stays taken.
      answer.resume()
      const text = Buffer.from(String(answer.headers['x-docker-container-path-stat']), 'base64').toString()
      return JSON.parse(text) as { readonly mode: number; readonly linkTarget: string }
    } catch (error) {
      if (engineStatus(error) === 404) return undefined
      throw failed(error)
    }
  }
  const has = (mode: number, bit: number) => Math.floor(mode / bit) % 2 === 1
  /** The path behind a link. */
  const follow = async (path: string) => {
    const found = await look(path)
    return found !== undefined && has(found.mode, LINK) ? found.linkTarget : path
  }
  return {
    async kindOf(path) {
      const found = await look(await follow(path))
      if (found === undefined) return 'missing'
      return has(found.mode, DIRECTORY) ? 'directory' : 'file'
    },
    async send(path, signal) {
      const real = await follow(path)
      notRoot(basename(real))
      try {
        const stream = await container.getArchive({ path: real, abortSignal: signal })
        return { stream: stream as AsyncIterable<unknown> as AsyncIterable<Uint8Array>, done: Promise.resolve() }
      } catch (error) {
        throw failed(error)
      }
    },
    async receive(directory, signal) {
      const stream = new PassThrough()
      const path = await follow(directory)
      const done = container.putArchive(stream, { path, abortSignal: signal }).catch((error: unknown) => {
        throw failed(error)
      })
      return { stream, done }
    },
  }
}

async function remoteDone(
  remote: RemoteProcess,
  node: string,
  good: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  let stderr = ''
  remote.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const status = await remote.exit
  if (!good.includes(status)) throw tarFailure(status, stderr, node, signal)
}

async function localDone(
  tar: PromiseLike<{ readonly exitCode?: number | undefined; readonly stderr: string }>,
  good: readonly (number | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, stderr } = await tar
  if (!good.includes(exitCode)) throw tarFailure(exitCode, stderr, undefined, signal)
}

/** Why tar failed. One that was stopped because something else failed has no reason of its own. */
function tarFailure(status: number | undefined, stderr: string, node: string | undefined, signal: AbortSignal): Error {
  const [reason = ''] = stderr.trim().split('\n')
  if (reason === '' && signal.aborted) return new Error('stopped', { cause: signal.reason })
  return new LabError('COPY', reason === '' ? `tar ended with ${String(status)}` : reason, { where: node })
}

function notRoot(name: string): string {
  if (name !== '') return name
  throw new LabError('COPY', 'the whole root cannot be copied', { hint: 'name a directory in it' })
}
