import { PassThrough, type Readable } from 'node:stream'
import type { Connection, RemoteProcess } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import type { LocalSnapshot } from '../model/volume.ts'
import { driverError, failure } from './run-command.ts'
import { VOLUME_PATHS } from './node/paths.ts'

/** Most of what a failing command said that is kept for the error. */
const KEPT_OUTPUT = 8192

/** The stream of a snapshot, through the node's own driver script. Ends only after the sender ended well. */
export async function sendStream(
  connection: Connection,
  volume: string,
  snapshot: string,
  since: string | undefined,
): Promise<Readable> {
  const argv = [VOLUME_PATHS.driver, 'send', volume, snapshot, since ?? '-']
  const sender = await connection.spawn({ argv })
  const said = collect(sender.stderr)
  const out = new PassThrough()
  sender.stdout.on('error', (error) => out.destroy(error))
  sender.stdout.pipe(out, { end: false })
  sender.exit.then(
    async (status) => {
      // The last bytes may still be on their way when the status is known.
      if (!sender.stdout.readableEnded) await new Promise((resolve) => sender.stdout.once('end', resolve))
      if (status === 0) out.end()
      else out.destroy(driverError(connection.node, argv.join(' '), status, said.text()))
    },
    (error: unknown) => out.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  out.once('close', () => {
    if (!out.writableEnded) sender.kill('TERM')
  })
  return out
}

/** Takes a stream through the node's receiving script, the one that other nodes use as well. */
export async function receiveStream(
  connection: Connection,
  volume: string,
  snapshot: string,
  stream: Readable,
): Promise<LocalSnapshot> {
  // The stream may break before anybody takes from it.
  let broken: Error | undefined
  stream.once('error', (error) => (broken = error))
  const argv = ['env', `SSH_ORIGINAL_COMMAND=receive ${volume} ${snapshot}`, VOLUME_PATHS.receive]
  const receiver = await connection.spawn({ argv })
  const printed = collect(receiver.stdout)
  const said = collect(receiver.stderr)
  feed(receiver, stream)
  const [status] = await Promise.all([receiver.exit, printed.ended, said.ended])
  stream.destroy()
  if (broken !== undefined) throw broken
  if (status !== 0) throw await failure(connection, `receive ${volume}@${snapshot}`, status, said.text())
  const identity = /^received (\S+) \d+$/m.exec(printed.text())?.[1]
  if (identity === undefined) {
    throw new LabError('VOLUME_DRIVER', `the receiver of ${volume}@${snapshot} did not say what it received`, {
      where: connection.node,
    })
  }
  return { name: snapshot, identity }
}

/**
 * Pipes the stream in. A receiver that ends early takes no more, and says why by its status. A stream that breaks must
 * not look like one that ended, so its receiver is stopped before its input closes.
 */
function feed(receiver: RemoteProcess, stream: Readable): void {
  const stop = () => {
    receiver.kill('TERM')
  }
  if (stream.errored !== null) {
    stop()
    return
  }
  stream.once('error', stop)
  receiver.stdin.on('error', () => {
    stream.unpipe(receiver.stdin)
  })
  stream.once('end', () => receiver.stdin.end())
  stream.pipe(receiver.stdin, { end: false })
}

interface Collected {
  text(): string
  readonly ended: Promise<unknown>
}

/** The last of what a stream says. */
function collect(stream: Readable): Collected {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_OUTPUT)
  })
  const ended = new Promise((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
  return { text: () => text, ended }
}
