import type { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import type { Command, ExecResult } from '../model/command.ts'
import type { Connection, ExecOptions, RemoteTerminal } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { commandText } from '../shell/command-text.ts'
import { inUnit } from '../shell/transient-unit.ts'
import { ChannelSocket } from './channel-socket.ts'
import { channelSlots } from './channel-slots.ts'
import { collect, type Collected, type Limits } from './collect.ts'
import { connect, type SshOptions } from './connect.ts'
import { afterPreface } from './terminal-preface.ts'
import { dialSocket, elevate, elevateOnTerminal, type Elevation } from './elevation.ts'
import { DockerAgent } from './docker-agent.ts'
import { loss, type Loss } from './loss.ts'
import { ANNOUNCE, remoteProcess, signalStatus, type KillableProcess } from './remote-process.ts'

export type { SshOptions } from './connect.ts'

type StartChannel = (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown

const DOCKER_SOCKET = '/var/run/docker.sock'
/** What ssh2 says of a connection whose other end is gone, before it has noticed that it is closed. */
const ENDED = 'Not connected'
/** sshd allows 10 sessions a connection; two stay free for ending what runs in the others. */
const MAX_CHANNELS = 8

const READ = 'exec cat -- "$1"'
// The draft has a name of its own for each writer, so that two of them never mix; mv is atomic.
const WRITE = `set -eu
umask 077
draft=$(mktemp -- "$1.XXXXXX")
trap 'rm -f -- "$draft"' EXIT
cat >"$draft"
chmod -- "$2" "$draft"
mv -fT -- "$draft" "$1"`

/**
 * Opens the one connection to a node; with `elevation` whatever is done over it is done as root. Throws `LabError`; see
 * {@link connect}.
 */
export async function openSsh(
  options: SshOptions & { readonly elevation?: Elevation | undefined },
): Promise<Connection> {
  return sshConnection(options.node, await connect(options), options.elevation)
}

function sshConnection(node: string, client: Client, elevation: Elevation | undefined): Connection {
  let closing = false
  let cause: Error | undefined
  let agent: DockerAgent | undefined
  const slots = channelSlots(MAX_CHANNELS, () => agent?.closeIdle())
  const lost = loss()
  client.on('error', (error) => (cause = error))
  const gone = () =>
    new LabError('UNREACHABLE', `the connection to ${node} ${closing ? 'was closed' : 'broke'}`, {
      where: node,
      hint: 'lab status shows whether the node runs; then run this again',
      cause,
    })
  client.once('close', () => {
    const error = gone()
    slots.close(error)
    lost.happened(error)
  })

  /**
   * A channel that counts; its slot is free again when it is closed. `use` is called at once: the exit status may have
   * arrived with the very packet that confirms the channel.
   */
  const open = async <T>(start: StartChannel, use: (channel: ClientChannel) => T, signal?: AbortSignal): Promise<T> => {
    const release = await slots.take(signal)
    return new Promise((resolve, reject) => {
      const callOff = lost.tell(reject)
      const refuse = (error: Error) => {
        release()
        callOff()
        const ended = error.message === ENDED
        reject(
          ended ? gone() : new LabError('CHANNEL', `${node} refused: ${error.message}`, { where: node, cause: error }),
        )
      }
      try {
        start((error, channel) => {
          if (error !== undefined) {
            // When the connection is gone, every request fails first; that it is gone is the better message.
            setImmediate(refuse, error)
            return
          }
          callOff()
          channel.once('close', release)
          resolve(use(channel))
        })
      } catch (error) {
        refuse(error as Error)
      }
    })
  }

  const spawn = (command: string, signal?: AbortSignal): Promise<KillableProcess> => {
    const { text, preface } = elevate(command, elevation)
    return open(
      (done) => client.exec(ANNOUNCE + text, done),
      (channel) => {
        if (preface !== '') channel.write(preface)
        return remoteProcess(client, channel, lost, elevation)
      },
      signal,
    )
  }

  const run = async (text: string, stdin: Command['stdin'], limits: Limits): Promise<Collected> =>
    collect(await spawn(text, limits.signal), stdin, limits)

  const exec = async (command: Command, { signal }: ExecOptions = {}): Promise<Collected> => {
    const { unit } = command
    const actual = unit === undefined ? command : inUnit({ ...command, unit })
    const title = command.argv[0] ?? ''
    return run(commandText(actual), actual.stdin, { node, title, signal, timeoutMs: actual.timeoutMs })
  }

  const socketTo = (start: StartChannel): Promise<Duplex> => open(start, (channel) => new ChannelSocket(channel))
  const openUnixSocket = async (path: string): Promise<Duplex> => {
    if (elevation === undefined) return socketTo((done) => client.openssh_forwardOutStreamLocal(path, done))
    const { text, preface } = elevate(dialSocket(path), elevation)
    return open(
      (done) => client.exec(text, done),
      (channel) => {
        if (preface !== '') channel.write(preface)
        // What it has to say when it fails is seen in what does not come.
        channel.stderr.resume()
        return new ChannelSocket(channel)
      },
    )
  }

  const fileError = (path: string, { stderr }: Collected) =>
    new LabError('FILE', stderr.trim() === '' ? `${path}: failed` : stderr.trim(), { where: `${node}:${path}` })

  return {
    node,
    exec: async (command, execOptions) => asText(await exec(command, execOptions)),
    script: async (text, { signal, timeoutMs } = {}) =>
      asText(await run('exec sh', text, { node, title: 'a script', signal, timeoutMs })),
    async spawn(command, { signal } = {}) {
      const running = await spawn(commandText(command), signal)
      const abort = () => {
        running.kill()
      }
      signal?.addEventListener('abort', abort, { once: true })
      void running.exit.catch(() => undefined).then(() => signal?.removeEventListener('abort', abort))
      return running
    },
    terminal(size, command) {
      const pty = { cols: size.columns, rows: size.rows, term: size.term }
      const text = command === undefined ? undefined : commandText(command)
      const root = elevation === undefined ? undefined : elevateOnTerminal(text, elevation)
      const line = root?.text ?? text
      return open(
        (done) => (line === undefined ? client.shell(pty, done) : client.exec(line, { pty }, done)),
        (channel) => remoteTerminal(channel, lost, root?.preface),
      )
    },
    async readFile(path) {
      const result = await exec({ argv: ['sh', '-c', READ, 'read', path] })
      if (result.status !== 0) throw fileError(path, result)
      return result.stdout
    },
    async writeFile(path, content, mode) {
      const result = await exec({ argv: ['sh', '-c', WRITE, 'write', path, mode.toString(8)], stdin: content })
      if (result.status !== 0) throw fileError(path, result)
    },
    openUnixSocket,
    openTcp: (host, port) => socketTo((done) => client.forwardOut('127.0.0.1', 0, host, port, done)),
    dockerAgent: (): Agent => (agent ??= new DockerAgent(() => openUnixSocket(DOCKER_SOCKET))),
    async close() {
      closing = true
      agent?.destroy()
      await new Promise((resolve) => {
        lost.tell(resolve)
        client.end()
      })
    },
  }
}

function asText(result: Collected): ExecResult {
  return { ...result, stdout: result.stdout.toString() }
}

/** `preface`: what sudo is to be told, on a terminal that shows nothing of it, before anybody else types or reads. */
function remoteTerminal(channel: ClientChannel, lost: Loss, preface = ''): RemoteTerminal {
  return {
    stream: preface === '' ? new ChannelSocket(channel) : afterPreface(channel, preface),
    resize: (columns, rows) => {
      channel.setWindow(rows, columns, 0, 0)
    },
    exit: new Promise((resolve, reject) => {
      channel.once('exit', (code: number | null, signal?: string) => {
        resolve(code ?? signalStatus(signal))
      })
      lost.tell(reject)
    }),
  }
}
