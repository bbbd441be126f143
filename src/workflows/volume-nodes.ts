import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { VOLUME_DRIVERS, type NodeVolumes, type VolumeDriverName, type VolumeRecords } from '../model/volume.ts'
import type { VolumeScheduler } from '../model/volume-service.ts'
import { openVolumeScheduler } from '../swarm/volume-scheduler.ts'
import { openVolumeRecords } from '../swarm/volume-store.ts'
import { loadDriver } from '../volumes/load-driver.ts'
import { openNodeVolumes } from '../volumes/node-volumes.ts'
import { VOLUME_PATHS } from '../volumes/node-scripts.ts'
import type { OpenLab } from './open-lab.ts'
import { holdVolumeLock } from './volume-lock.ts'

/** Everything that workflows do with volumes goes through this: records, the swarm, and the nodes' pools. */
export interface LabVolumes {
  readonly records: VolumeRecords
  readonly scheduler: VolumeScheduler
  /** Names of the nodes that may hold volumes, in the order of lab.yml. */
  readonly workers: readonly string[]
  /** Throws `UNREACHABLE` for a node that is down. */
  node(name: string): Promise<NodeVolumes>
  engine(): Promise<Docker>
  /** Opens connections that broke anew. */
  reconnect(): Promise<void>
  /** Runs work while no other lab changes this volume; throws `MOVE_UNDER_WAY` when one does. */
  withLock<T>(volume: string, work: () => Promise<T>): Promise<T>
}

/** The volumes of a lab. Nothing is contacted before it is asked for. */
export function openVolumes(lab: OpenLab): LabVolumes {
  let manager: ReturnType<OpenLab['manager']> | undefined
  const nodes = new Map<string, Promise<NodeVolumes>>()
  const used = new Set<string>()
  const theManager = async () => {
    manager ??= lab.manager()
    const found = await manager.catch((error: unknown) => {
      manager = undefined
      throw error
    })
    used.add(found.node)
    return found
  }
  const engine = async () => (await theManager()).engine
  return {
    records: openVolumeRecords(engine),
    scheduler: openVolumeScheduler(engine),
    workers: nodesWithRole(lab.spec, 'worker').map(({ name }) => name),
    engine,
    node: (name) => {
      const present = nodes.get(name)
      if (present !== undefined) return present
      const opened = openNode(lab, name)
      nodes.set(name, opened)
      used.add(name)
      opened.catch(() => nodes.delete(name))
      return opened
    },
    reconnect: async () => {
      manager = undefined
      nodes.clear()
      await Promise.all([...used].map((name) => lab.disconnect(name)))
    },
    withLock: async (volume, work) => {
      const lock = await holdVolumeLock(lab, volume)
      try {
        return await work()
      } finally {
        // Work that ends because its connection broke has lost the lock with it.
        await lock.release().catch(() => undefined)
      }
    },
  }
}

async function openNode(lab: OpenLab, name: string): Promise<NodeVolumes> {
  const connection = await lab.connect(name)
  const { status, stdout } = await connection.exec({ argv: [VOLUME_PATHS.driver, 'name'] })
  const driver: VolumeDriverName | undefined = VOLUME_DRIVERS.find((each) => each === stdout.trim())
  if (status !== 0 || driver === undefined) {
    throw new LabError('NO_POOL', `${name} has no volume pool yet`, { where: name, hint: 'lab up' })
  }
  return openNodeVolumes(connection, await loadDriver(driver, connection))
}
