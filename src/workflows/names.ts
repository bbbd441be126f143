import { LABELS } from '../model/names.ts'
import { listServices } from '../swarm/services.ts'
import type { OpenLab } from './open-lab.ts'

/** Names that run in the lab right now, by kind: what completion offers. */
export async function runningNames(open: OpenLab): Promise<Readonly<Record<'service' | 'volume', readonly string[]>>> {
  const { engine } = await open.manager()
  const services = await listServices(engine, open.signal)
  return {
    service: services.map(({ name }) => name),
    volume: services.flatMap(({ labels }) => labels[LABELS.volume] ?? []),
  }
}
