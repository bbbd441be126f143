import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Connection, RemoteProcess } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import type { LocalSnapshot } from '../model/volume.ts'
import { driverError } from './run-command.ts'
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
      else out.destroy(driverError(connection.node, argv.join(' '), status, said()))
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
  const argv = ['env', `SSH_ORIGINAL_COMMAND=receive ${volume} ${snapshot}`, VOLUME_PATHS.receive]
  const receiver = await connection.spawn({ argv })
  const printed = collect(receiver.stdout)
  const said = collect(receiver.stderr)
  const fed = await feed(receiver, stream)
  const status = await receiver.exit
  if (fed !== undefined) throw fed
  if (status !== 0) throw driverError(connection.node, `receive ${volume}@${snapshot}`, status, said())
  const identity = /^received (\S+) \d+$/m.exec(printed())?.[1]
  if (identity === undefined) {
    throw new LabError('VOLUME_DRIVER', `the receiver of ${volume}@${snapshot} did not say what it received`, {
      where: connection.node,
    })
  }
  return { name: snapshot, identity }
}

/**
 * Pipes the stream in. A receiver that ends early says why by its status; a stream that breaks must not look like one
 * that ended, so the receiver is stopped before its input closes. Returns the stream's own error.
 */
async function feed(receiver: RemoteProcess, stream: Readable): Promise<Error | undefined> {
  let broken: Error | undefined
  stream.once('error', (error) => {
    broken = error
    receiver.kill('TERM')
  })
  try {
    await pipeline(stream, receiver.stdin)
  } catch (error) {
    if (broken === undefined && stream.errored !== null) broken = stream.errored
    stream.destroy()
    if (!(error instanceof Error)) throw error
  }
  return broken
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_OUTPUT)
  })
  return () => text
}
