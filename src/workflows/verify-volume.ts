import { LabError } from '../model/errors.ts'
import { newestCommon, observeVolume } from '../volumes/move/copy-round.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { done, observeAll } from './volume-snapshots.ts'
import { withVolume } from './with-volume.ts'

/**
 * Reads all of a volume on its owner, as a snapshot taken now holds it, and whatever other nodes have in common with it,
 * and compares. Throws `VOLUME_DIFFERS`, naming node and snapshot, when a copy is not what it should be; what cannot be
 * read fails with what the filesystem says.
 */
export async function verifyVolume(lab: OpenLab, typed: string): Promise<void> {
  const started = performance.now()
  const message = await withVolume(lab, typed, async ({ volumes, stored: { record } }) => {
    const { name, owner } = record
    const { driver } = await volumes.node(owner)
    const fresh = `verify-${String(Date.now())}`
    const digest = await runTask(lab.emit, `read all of ${name} on ${owner}`, async (task) => {
      await driver.snapshot(name, fresh)
      try {
        const read = await driver.digest(name, fresh)
        task.detail(read.slice(0, 16))
        return read
      } finally {
        await driver.deleteSnapshot(name, fresh)
      }
    })
    const ours = await observeVolume(await volumes.node(owner), name)
    const equal: string[] = []
    const different: string[] = []
    for (const { node, volume } of await observeAll(volumes, record)) {
      if (node === owner || volume === undefined || volume.snapshots.length === 0) continue
      const common = newestCommon(ours.snapshots, volume.snapshots)
      if (common === undefined) {
        lab.emit({ type: 'notice', level: 'info', message: `${node} has nothing in common with ${name} any more` })
        continue
      }
      await runTask(lab.emit, `compare ${name}@${common.name} with ${node}`, async (task) => {
        const theirs = (await volumes.node(node)).driver
        const [one, other] = await Promise.all([driver.digest(name, common.name), theirs.digest(name, common.name)])
        task.detail(one === other ? 'equal' : 'DIFFERENT')
        ;(one === other ? equal : different).push(`${node} (${common.name})`)
      })
    }
    if (different.length > 0) {
      throw new LabError('VOLUME_DIFFERS', `${name} on ${owner} differs from its copy on ${different.join(', ')}`, {
        where: `volume ${name}`,
        hint: `lab volume destroy ${name} --copy NODE removes a copy; the next move there sends everything`,
      })
    }
    const compared = equal.length === 0 ? 'no other node has a copy to compare with' : `equal on ${equal.join(', ')}`
    return `${name} can be read on ${owner} (${digest.slice(0, 16)}); ${compared}`
  })
  done(lab, 'volume verify', message, started)
}
