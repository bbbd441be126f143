import { setTimeout as delay } from 'node:timers/promises'
import { LabError } from '../model/errors.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { listNodes } from '../swarm/nodes.ts'
import { DownSince, promotesItself, youngest } from '../volumes/auto-promotion.ts'
import { promoteVolume } from './promote-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { tryEach } from './try-each.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { replicasOf } from './volume-replicas.ts'

/** Time between two looks at the swarm. */
const INTERVAL_MS = 2000

/**
 * Promotes replicas of volumes that want it (`lab volume replicate --auto`), once the swarm has had their owner down for
 * `afterMs` without a break. Goes on until the lab's signal is aborted; whatever fails is told and tried again.
 */
export async function watchVolumes(lab: OpenLab, { afterMs }: { readonly afterMs: number }): Promise<void> {
  const volumes = openVolumes(lab)
  const downSince = new DownSince()
  /** What was told last of volumes that were not promoted. */
  const told = new Map<string, string>()
  let trouble: string | undefined
  const isOver = () => lab.signal.aborted
  while (!isOver()) {
    try {
      lab.refresh()
      const records = await look(volumes, downSince)
      if (trouble !== undefined) lab.emit({ type: 'notice', level: 'info', message: 'watching again' })
      trouble = undefined
      const due = downSince.takeDue(records.filter(promotesItself), afterMs, performance.now())
      const promoteOne = async (record: VolumeRecord) => {
        await promote(lab, volumes, record)
        told.delete(record.name)
      }
      await tryEach(lab.signal, due, promoteOne, ({ name }, { message }) => {
        const text = `${name} is not promoted: ${message}`
        if (told.get(name) !== text) lab.emit({ type: 'notice', level: 'warning', message: text })
        told.set(name, text)
      })
    } catch (error) {
      if (isOver()) return
      if (!(error instanceof LabError)) throw error
      if (trouble !== error.message) lab.emit({ type: 'notice', level: 'warning', message: error.message })
      trouble = error.message
      await volumes.reconnect()
    }
    // Ctrl-C in the pause is how it ends.
    await delay(INTERVAL_MS, undefined, { signal: lab.signal }).catch(() => undefined)
  }
}

/** Asks the managers who is down, and which volumes there are. */
async function look(volumes: LabVolumes, downSince: DownSince): Promise<readonly VolumeRecord[]> {
  const [nodes, records] = await Promise.all([listNodes(await volumes.engine()), volumes.records.list()])
  // A node that left and came back is listed twice.
  const alive = new Set(nodes.filter(({ state }) => state === 'ready').map(({ name }) => name))
  downSince.look(new Set(nodes.map(({ name }) => name).filter((name) => !alive.has(name))), performance.now())
  return records.map(({ record }) => record)
}

async function promote(lab: OpenLab, volumes: LabVolumes, record: VolumeRecord): Promise<void> {
  const replica = youngest(await replicasOf(volumes, record))
  if (replica === undefined) {
    throw new LabError('NO_REPLICA', `${record.owner} is down, and no node has a replica of ${record.name}`, {
      hint: 'lab up',
    })
  }
  try {
    await promoteVolume(lab, { volume: record.name, to: replica.node, acceptLoss: true, fenced: false })
  } finally {
    // Connections to the node that was powered off are of no use when it is back.
    await volumes.reconnect()
  }
}
