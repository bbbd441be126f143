import { Duplex, Readable } from 'node:stream'
import type { ClientChannel } from 'ssh2'

/**
 * A channel as a well-behaved stream. ssh2's own never answers a write to a channel that the other side has closed, does
 * not close when nobody reads it, and lacks the methods of a socket that `node:http` calls.
 */
export class ChannelSocket extends Duplex {
  readonly #channel: ClientChannel
  #closed = false
  #pending: ((error: Error) => void) | undefined

  constructor(channel: ClientChannel) {
    super({ allowHalfOpen: true, highWaterMark: 256 * 1024 })
    this.#channel = channel
    channel.on('data', (chunk: Buffer) => {
      // A stream that was destroyed takes nothing more, and a paused channel would never report that it is closed.
      if (!this.push(chunk) && !this.destroyed) channel.pause()
    })
    channel.once('end', () => this.push(null))
    channel.once('close', () => {
      this.#closed = true
      this.#pending?.(brokenPipe())
      if (!this.readableEnded) this.push(null)
      if (!this.writableFinished) this.end()
    })
  }

  override _read(): void {
    this.#channel.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#closed || !this.#channel.writable) {
      done(brokenPipe())
      return
    }
    this.#pending = done
    this.#channel.write(chunk, (error) => {
      if (this.#pending !== done) return
      this.#pending = undefined
      done(error)
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#closed) this.#channel.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // After a regular end the node closes the channel, and tells the exit status before it does.
    const regular = error === null && this.readableEnded && this.writableFinished
    if (!this.#closed && !regular) this.#channel.close()
    // Without a reader ssh2 never reports the channel closed.
    this.#channel.resume()
    this.#channel.stderr.resume()
    done(error)
  }

  // What node:http expects of a socket. There is nothing to set on a channel.
  setKeepAlive(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}

/** The standard error of a command, after its first line, which `onFirstLine` gets. */
export function stderrAfterFirstLine(channel: ClientChannel, onFirstLine: (line: string) => void): Readable {
  const source = channel.stderr
  const rest = new Readable({ highWaterMark: 256 * 1024, read: () => void source.resume() })
  let head: Buffer | undefined = Buffer.alloc(0)
  source.on('data', (chunk: Buffer) => {
    let body = chunk
    if (head !== undefined) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\n')
      if (end === -1) return
      onFirstLine(head.subarray(0, end).toString())
      body = head.subarray(end + 1)
      head = undefined
    }
    if (body.length > 0 && !rest.push(body)) source.pause()
  })
  source.once('end', () => rest.push(null))
  return rest
}

function brokenPipe(): Error {
  return Object.assign(new Error('the other side has closed the stream'), { code: 'EPIPE' })
}
