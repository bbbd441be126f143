import { Agent, type ClientRequest, type ClientRequestArgs } from 'node:http'
import type { Duplex } from 'node:stream'

/** Sockets at a time; what is left of a connection's channels stays free for commands. */
const MAX_SOCKETS = 6
/** Idle sockets that are kept for the next request. */
const MAX_IDLE = 2

/**
 * An HTTP agent whose sockets are streams to the Docker socket of a node. Idle ones are kept (a new one costs a round trip
 * and a process on the node) until somebody needs their channel.
 */
export class DockerAgent extends Agent {
  readonly #open: () => Promise<Duplex>

  constructor(open: () => Promise<Duplex>) {
    super({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE, scheduling: 'lifo' })
    this.#open = open
  }

  override createConnection(
    _options: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#open().then(
      (socket) => done?.(null, socket),
      // Node passes no stream with an error; its types do not know that.
      (error: unknown) => done?.(error as Error, undefined as never),
    )
  }

  /** An idle socket that the engine closes, as when it is restarted, must not be the next request's. */
  override keepSocketAlive(socket: Duplex): boolean {
    super.keepSocketAlive(socket)
    // Its end is noticed only where somebody reads.
    socket.once('end', giveUp).resume()
    return !socket.readableEnded
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    socket.off('end', giveUp)
    super.reuseSocket(socket, request)
  }

  /** Gives up the sockets that no request uses. */
  closeIdle(): void {
    for (const sockets of Object.values(this.freeSockets)) for (const socket of [...(sockets ?? [])]) socket.destroy()
  }
}

function giveUp(this: Duplex): void {
  this.destroy()
}
