import { listServices } from '../swarm/services.ts'
import { openVolumeRecords } from '../swarm/volume-store.ts'
import type { OpenLab } from './open-lab.ts'

/** Names that are in the lab right now, by kind: what completion offers. */
export async function runningNames(open: OpenLab): Promise<Readonly<Record<'service' | 'volume', readonly string[]>>> {
  const { engine } = await open.manager()
  const [services, volumes] = await Promise.all([
    listServices(engine, open.signal),
    openVolumeRecords(() => Promise.resolve(engine)).list(),
  ])
  return {
    service: services.map(({ name }) => name),
    volume: volumes.map(({ record }) => record.name),
  }
}
