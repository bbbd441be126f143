import type { OpenLab } from './open-lab.ts'
import { checkNew, forgetUnmade } from './create-volume.ts'
import { runTask } from './task.ts'
import { exists, makeVolume, recordVolume } from './volume-life.ts'
import { done, wholeSnapshot } from './volume-snapshots.ts'
import { withVolume } from './with-volume.ts'

/** What to clone. */
export interface CloneOptions {
  /** A volume, or an app or service that has one. */
  readonly volume: string
  readonly as: string
  /** The clone holds what this snapshot holds; what the volume holds now when undefined. */
  readonly snapshot: string | undefined
}

/**
 * Makes a volume of its own that holds what another one holds, on the same node, sharing its blocks: no time and no
 * room, whatever the size. The new one belongs to no app yet. One that was cut off is made anew.
 */
export async function cloneVolume(lab: OpenLab, options: CloneOptions): Promise<void> {
  const started = performance.now()
  const message = await withVolume(lab, options.volume, async ({ volumes, stored: { record } }) => {
    checkNew(volumes, options.as)
    return runTask(lab.emit, `clone ${record.name} as ${options.as}`, () =>
      volumes.withLock(options.as, async () => {
        const all = await volumes.records.list()
        const left = all.find((each) => each.record.name === options.as)
        if (left !== undefined && (left.record.epoch > 0 || left.record.app !== '')) throw exists(options.as)
        const node = await volumes.node(record.owner)
        const { driver } = node
        if (options.snapshot !== undefined) await wholeSnapshot(node, record, options.snapshot)
        if (left !== undefined) await forgetUnmade(volumes, left)
        const { owner, limitBytes } = record
        const wanted = { name: options.as, app: '', service: '', limitBytes, owner }
        const snapshot = options.snapshot ?? `clone-${String(Date.now())}`
        const forget = async () => {
          if (options.snapshot === undefined) await driver.deleteSnapshot(record.name, snapshot)
        }
        const made = recordVolume(volumes, all, wanted)
        const taken = options.snapshot === undefined ? driver.snapshot(record.name, snapshot) : Promise.resolve()
        try {
          await together(made, taken)
          await driver.clone(record.name, snapshot, options.as)
        } catch (error) {
          await forget()
          throw error
        }
        await together(makeVolume(volumes, await made), forget())
        return `cloned ${record.name} as ${options.as} on ${owner}`
      }),
    )
  })
  done(lab, 'volume clone', message, started)
}

/** What does not depend on one another takes as long as the longest of it; nothing of it still runs when this ends. */
async function together(...work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((each) => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
