import type { ClientChannel } from 'ssh2'
import { ChannelSocket } from './channel-socket.ts'
import { READY } from './elevation.ts'

/**
 * The stream of a terminal on which sudo is told its password first: that is typed once the terminal says it echoes
 * nothing, line by line, and what comes before the last such word is nobody's to see but complaints. What is typed meanwhile waits.
 */
export function afterPreface(channel: ClientChannel, preface: string): ChannelSocket {
  return new PrefacedSocket(channel, preface)
}

class PrefacedSocket extends ChannelSocket {
  readonly #channel: ClientChannel
  readonly #lines: readonly string[]
  #words = 0
  #waiting: (() => void)[] = []

  constructor(channel: ClientChannel, preface: string) {
    super(channel)
    this.#channel = channel
    this.#lines = preface.trimEnd().split('\n')
    // Whatever happens to it, nobody waits for ever.
    channel.once('close', () => {
      this.#begin()
    })
  }

  override push(chunk: Buffer | null): boolean {
    if (chunk === null || this.#words > this.#lines.length) return super.push(chunk)
    let rest = chunk
    for (;;) {
      const at = rest.indexOf(READY)
      // Before sudo takes over, and between: its own complaints are worth seeing, and nothing secret is among them.
      if (at === -1) return this.#words === 0 || rest.length === 0 ? true : super.push(rest)
      rest = rest.subarray(at + 1)
      const line = this.#lines[this.#words++]
      if (line === undefined) {
        this.#begin()
        return rest.length === 0 ? true : super.push(rest)
      }
      this.#channel.write(`${line}\n`)
    }
  }

  override _write(chunk: Buffer, encoding: string, done: (error?: Error | null) => void): void {
    if (this.#words > this.#lines.length || this.#channel.destroyed) super._write(chunk, encoding, done)
    else {
      this.#waiting.push(() => {
        super._write(chunk, encoding, done)
      })
    }
  }

  #begin(): void {
    this.#words = this.#lines.length + 1
    for (const write of this.#waiting.splice(0)) write()
  }
}
