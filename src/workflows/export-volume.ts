import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { LabError, UsageError } from '../model/errors.ts'
import { bytesText } from '../model/bytes-text.ts'
import { checkExport, writeExport } from '../volumes/export-file.ts'
import { badExport } from '../volumes/export-format.ts'
import { paced } from '../volumes/pace.ts'
import { checkNew, forgetUnmade } from './create-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask, type TaskHandle } from './task.ts'
import { exists, makeVolume, recordVolume } from './volume-life.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { done, wholeSnapshot } from './volume-snapshots.ts'
import { withVolume } from './with-volume.ts'

/** A volume that goes to a file. */
export interface ExportOptions {
  readonly volume: string
  /** Path on this machine. */
  readonly file: string
  /** Undefined: what it holds now. */
  readonly snapshot: string | undefined
  /** Replace a file that is there. */
  readonly force: boolean
}

/** A volume that comes from a file. */
export interface ImportOptions {
  readonly file: string
  readonly name: string
  /** Worker that gets it; the one with the fewest volumes when undefined. */
  readonly on: string | undefined
}

/** Writes what a snapshot of a volume holds to a file with a checksum, readable by its owner only. */
export async function exportVolume(lab: OpenLab, options: ExportOptions): Promise<void> {
  const started = performance.now()
  const { file } = options
  if (existsSync(file) && !options.force)
    throw new UsageError(`${file} is there already`, { hint: 'add --force to replace it' })
  if (!existsSync(dirname(file))) throw new UsageError(`there is no directory ${dirname(file)}`)
  const message = await withVolume(lab, options.volume, ({ volumes, stored: { record } }) =>
    runTask(lab.emit, `export ${record.name} to ${file}`, async (task) => {
      const node = await volumes.node(record.owner)
      const snapshot = options.snapshot ?? `export-${String(Date.now())}`
      if (options.snapshot === undefined) await node.driver.snapshot(record.name, snapshot)
      else await wholeSnapshot(node, record, snapshot)
      try {
        const usedBytes = await node.driver.usedBytes(record.name)
        const header = {
          driver: record.driver,
          volume: record.name,
          snapshot,
          usedBytes,
          limitBytes: record.limitBytes ?? null,
          exportedAt: new Date().toISOString(),
        }
        const stream = await node.driver.send(record.name, snapshot)
        const stop = () => stream.destroy(new LabError('INTERRUPTED', 'stopped before it was done'))
        lab.signal.addEventListener('abort', stop)
        try {
          const bytes = await writeExport(
            file,
            header,
            stream,
            paced(usedBytes, (line) => task.progress(line)),
          )
          return `exported ${record.name}@${snapshot} to ${file}: ${bytesText(bytes)}`
        } finally {
          lab.signal.removeEventListener('abort', stop)
        }
      } finally {
        if (options.snapshot === undefined) await node.driver.deleteSnapshot(record.name, snapshot)
      }
    }),
  )
  done(lab, 'volume export', message, started)
}

/**
 * Makes a volume of a file that {@link exportVolume} wrote, in this lab or another. The checksum is verified before the
 * lab is touched, and the volume is there when all of it is: a file that is not whole leaves nothing.
 */
export async function importVolume(lab: OpenLab, { file, name, on }: ImportOptions): Promise<void> {
  const started = performance.now()
  const volumes = openVolumes(lab)
  checkNew(volumes, name, on)
  const size = await stat(file).catch(() => undefined)
  if (size?.isFile() !== true) throw new UsageError(`there is no file ${file}`)
  const checked = await runTask(lab.emit, `check ${file}`, (task) =>
    checkExport(
      file,
      paced(size.size, (line) => task.progress(line)),
    ),
  )
  const owner = await runTask(lab.emit, `import ${name}`, (task) =>
    volumes.withLock(name, async () => {
      const all = await volumes.records.list()
      const left = all.find(({ record }) => record.name === name)
      if (left !== undefined && (left.record.epoch > 0 || left.record.app !== '')) throw exists(name)
      if (left !== undefined) await forgetUnmade(volumes, left)
      const limitBytes = checked.header.limitBytes ?? undefined
      const stored = await recordVolume(volumes, all, {
        name,
        app: '',
        service: '',
        limitBytes,
        ...(on === undefined ? {} : { owner: on }),
      })
      try {
        await receive(volumes, stored.record, file, checked, task)
        await makeVolume(volumes, stored, { from: checked.header.snapshot })
      } catch (error) {
        await forgetUnmade(volumes, stored)
        throw error
      }
      const node = await volumes.node(stored.record.owner)
      await node.driver.deleteSnapshot(name, checked.header.snapshot)
      return stored.record.owner
    }),
  )
  done(lab, 'volume import', `imported ${name} on ${owner}: ${bytesText(checked.streamBytes)}`, started)
}

type Stored = Awaited<ReturnType<LabVolumes['records']['list']>>[number]

async function receive(
  volumes: LabVolumes,
  { name, owner }: Stored['record'],
  file: string,
  { header, streamBytes, stream }: Awaited<ReturnType<typeof checkExport>>,
  task: TaskHandle,
): Promise<void> {
  const { driver } = await volumes.node(owner)
  if (driver.name !== header.driver) {
    throw new LabError('DRIVER_MISMATCH', `${file} is of ${header.driver}, the pool of ${owner} of ${driver.name}`, {
      where: owner,
      hint: 'a volume goes to pools of its own kind only',
    })
  }
  let bytes = 0
  const show = paced(streamBytes, (line) => task.progress(line))
  // Read only as the receiver takes it: a listener would set the file flowing before the receiver is there.
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream() as AsyncIterable<Buffer>) {
      bytes += chunk.length
      show(bytes)
      yield chunk
    }
  }
  await driver.receive(name, header.snapshot, Readable.from(counted(), { objectMode: false }))
  if (bytes !== streamBytes) throw badExport(file, 'it was changed while it was read')
}
