import { constants } from 'node:os'
import type { Client, ClientChannel } from 'ssh2'
import type { RemoteProcess } from '../model/connection.ts'
import { elevate, type ElevatedText, type Elevation } from './elevation.ts'
import type { Loss } from './loss.ts'
import { ChannelSocket, stderrAfterFirstLine } from './channel-socket.ts'

/** Put before a command's text: its process id, and that of its session, as the first line of standard error. */
export const ANNOUNCE = `printf '%s\\n' "$$" >&2; `

/** A remote process, and a way to be rid of it for good. */
export interface KillableProcess extends RemoteProcess {
  /** Asks the command and all its children to end, and ends them 2 s later. Resolves once the node has heard. */
  end(): Promise<void>
}

/** The process behind a channel whose command began with {@link ANNOUNCE}.  */
export function remoteProcess(
  client: Client,
  channel: ClientChannel,
  lost: Loss,
  elevation?: Elevation,
): KillableProcess {
  const socket = new ChannelSocket(channel)
  let announce: (pid: string) => void
  const pid = new Promise<string>((resolve) => (announce = resolve))
  const stderr = stderrAfterFirstLine(channel, (line) => {
    announce(line)
  })
  const exit = new Promise<number>((resolve, reject) => {
    const callOff = lost.tell((error) => {
      announce('')
      reject(error)
    })
    channel.once('exit', (code: number | null, signal?: string) => {
      callOff()
      announce('')
      resolve(code ?? signalStatus(signal))
    })
  })
  // Whoever does not look at it has not asked to be told.
  exit.catch(() => undefined)

  const tell = async (script: (session: string) => string): Promise<void> => {
    const session = await pid
    if (/^\d+$/.test(session)) await runQuietly(client, elevate(script(session), elevation))
  }
  return {
    stdin: socket,
    stdout: socket,
    stderr,
    exit,
    kill(signal = 'TERM') {
      if (!/^[A-Z0-9]+$/.test(signal)) throw new RangeError(`"${signal}" is not a signal`)
      void tell((session) => signalSession(signal, session)).then(() => socket.destroy())
    },
    end: () =>
      tell(
        (session) =>
          `${signalSession('TERM', session)}; ( sleep 2; ${signalSession('KILL', session)} ) >/dev/null 2>&1 &`,
      ),
  }
}

// sshd makes every command the leader of a session, and passes on no signals to root's. A child may have moved to a
// group of its own (timeout(1) does), so the session is what counts; without procps, the group has to do.
function signalSession(signal: string, session: string): string {
  return `{ pkill -${signal} -s ${session} || kill -${signal} -- -${session}; } 2>/dev/null`
}

/** Runs beside the channels that are counted: what frees a channel must not wait for one. */
function runQuietly(client: Client, { text, preface }: ElevatedText): Promise<void> {
  return new Promise((resolve) => {
    try {
      client.exec(text, (error, channel) => {
        // A node that cannot be told any more has nothing running that we could reach.
        if (error !== undefined) {
          resolve()
          return
        }
        if (preface !== '') channel.write(preface)
        channel.once('exit', () => {
          resolve()
        })
        channel.once('close', () => {
          resolve()
        })
        channel.resume()
        channel.stderr.resume()
      })
    } catch {
      resolve()
    }
  })
}

/** 128 and the signal's number, as a shell counts. */
export function signalStatus(signal: string | undefined): number {
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${(signal ?? '').replace(/^SIG/, '')}`]
  return 128 + (number ?? 0)
}
