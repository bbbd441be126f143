import type { VolumeDiffDocument } from '../model/documents.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import { diffTrees } from '../model/tree.ts'
import type { NodeVolume } from '../model/volume.ts'
import { observeVolume, strayCopy } from '../volumes/move/copy-round.ts'
import type { OpenLab } from './open-lab.ts'
import { wholeSnapshot } from './volume-snapshots.ts'
import { withVolume } from './with-volume.ts'

/** What to compare a volume with. */
export interface DiffVolumeOptions {
  /** A volume, or an app or service that has one. */
  readonly volume: string
  /** The node whose copy it is; undefined: the owner, which takes a snapshot to compare with. */
  readonly copy: string | undefined
  /** A snapshot there. @default what a former owner kept (`orphan-N`), or else the newest */
  readonly snapshot: string | undefined
}

/**
 * Where a volume, as it is now, differs from what another node has of it, or from a snapshot: names, types, contents, modes,
 * owners and times. Reads all of both. Throws `NO_COPY` when the node has nothing.
 */
export async function diffVolume(lab: OpenLab, options: DiffVolumeOptions): Promise<VolumeDiffDocument> {
  return withVolume(lab, options.volume, async ({ volumes, stored: { record } }) => {
    const { name, owner } = record
    const on = options.copy ?? owner
    if (!volumes.workers.includes(on)) throw unknownName('node', on, volumes.workers)
    if (on === owner && options.snapshot === undefined) {
      throw new UsageError(`${owner} owns ${name}: say which snapshot to compare with`, {
        hint: `lab volume diff ${name} --snapshot S, or: lab volume diff ${name} --copy NODE`,
      })
    }
    const theirs = await volumes.node(on)
    const snapshot =
      options.snapshot === undefined
        ? newest(await observeVolume(theirs, name), on)
        : (await wholeSnapshot(theirs, record, options.snapshot)).name
    const { driver } = await volumes.node(owner)
    const fresh = `verify-${String(Date.now())}`
    await driver.snapshot(name, fresh)
    try {
      const [mine, other] = await Promise.all([driver.listing(name, fresh), theirs.driver.listing(name, snapshot)])
      return { volume: name, owner, node: on, snapshot, differences: diffTrees(mine, other) }
    } finally {
      await driver.deleteSnapshot(name, fresh)
    }
  })
}

/** What a former owner kept is why somebody asks. */
function newest({ name, live, snapshots }: NodeVolume, node: string): string {
  if (live !== 'absent') throw strayCopy(name, node)
  const found = snapshots.findLast((each) => each.name.startsWith('orphan-')) ?? snapshots.at(-1)
  if (found !== undefined) return found.name
  throw new LabError('NO_COPY', `${node} has no copy of ${name}`, {
    where: node,
    hint: `lab volume inspect ${name} lists the copies`,
  })
}
