import type { Readable } from 'node:stream'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import type { NodeVolumes } from '../model/volume.ts'
import type { TransferJob, TransferWatch } from '../model/volume-transfer.ts'
import { BUSY, VOLUME_PATHS } from './node/paths.ts'
import { driverError, runCommand } from './run-command.ts'

/** See {@link NodeVolumes.transfer}. */
export function startTransfer(
  connection: Connection,
  { volume, snapshot, since, target }: Parameters<NodeVolumes['transfer']>[0],
  watch: TransferWatch,
): Promise<number> {
  return follow(connection, volume, ['start', volume, snapshot, since ?? '-', target], watch)
}

/** See {@link NodeVolumes.followTransfer}. */
export function followTransfer(connection: Connection, volume: string, watch: TransferWatch): Promise<number> {
  return follow(connection, volume, ['follow', volume], watch)
}

async function follow(
  connection: Connection,
  volume: string,
  verb: readonly string[],
  watch: TransferWatch,
): Promise<number> {
  const follower = await connection.spawn(
    { argv: [VOLUME_PATHS.send, ...verb] },
    watch.signal === undefined ? {} : { signal: watch.signal },
  )
  let said = ''
  follower.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  let result: { status: number; bytes: number } | undefined
  const remarks: string[] = []
  const ended = eachLine(follower.stdout, (line) => {
    const [word, ...numbers] = line.split(' ')
    const [first = 0, second = 0] = numbers.map(Number)
    if (result !== undefined) remarks.push(line)
    else if (word === 'sent') watch.onProgress(first)
    else if (word === 'done') result = { status: first, bytes: second }
  })
  const [status] = await Promise.all([follower.exit, ended])
  watch.signal?.throwIfAborted()
  if (result?.status === 0) return result.bytes
  if (status === BUSY) throw new LabError('TRANSFER_BUSY', said.trim(), { where: connection.node })
  if (result === undefined) throw driverError(connection.node, `${VOLUME_PATHS.send} ${verb.join(' ')}`, status, said)
  const why = transferRemarks(remarks)
  throw new LabError('TRANSFER_FAILED', `the transfer of ${volume} broke off: ${why}`, {
    where: connection.node,
    hint: /no space left|out of space/i.test(why)
      ? 'make room in the pool of the node it goes to (lab doctor shows the pools), then run the same command again'
      : 'run the same command again: it sends only what is missing',
  })
}

/** See {@link NodeVolumes.transferJob}. */
export async function transferJob(connection: Connection, volume: string): Promise<TransferJob | undefined> {
  const text = (await runCommand(connection, [VOLUME_PATHS.send, 'job', volume])).trim()
  const [state, snapshot, since, target] = text.split(' ')
  if (snapshot === undefined || since === undefined || target === undefined) return undefined
  return { snapshot, since: since === '-' ? undefined : since, target, active: state === 'active' }
}

/** See {@link NodeVolumes.transferRate}. */
export async function transferRate(connection: Connection, target: string): Promise<number | undefined> {
  checkName('node', target)
  const [bytes = 0, ms = 0] = (await runCommand(connection, [VOLUME_PATHS.send, 'pace', target])).split(' ').map(Number)
  return bytes > 0 && ms > 0 ? (bytes / ms) * 1000 : undefined
}

/** See {@link NodeVolumes.reaches}. */
export async function reaches(connection: Connection, target: string): Promise<boolean> {
  checkName('node', target)
  return (await connection.exec({ argv: [VOLUME_PATHS.send, 'reach', target] })).status === 0
}

/** See {@link NodeVolumes.stopTransfer}. */
export async function stopTransfer(connection: Connection, volume: string): Promise<void> {
  await runCommand(connection, [VOLUME_PATHS.send, 'stop', volume])
}

/** Calls back for every line; resolves when the stream has ended, or broke. */
function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(onLine)
    })
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
}

/** Pure: what the ends of a transfer said, in one line: errors first, without file headers. */
export function transferRemarks(lines: readonly string[]): string {
  const said = lines
    .map((line) => line.replaceAll('\r', '').trimEnd())
    .filter((line) => line.trim() !== '' && !line.startsWith('==>'))
  const telling = said.filter((line) => !line.startsWith('statuses of '))
  return (telling.length > 0 ? telling : said).join('; ')
}
