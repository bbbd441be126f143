import { LABELS, NODE_PATHS } from '../model/names.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { describeHolders } from '../volumes/move/quiesce.ts'
import type { OpenLab } from './open-lab.ts'
import type { LabVolumes } from './volume-nodes.ts'

/** Docker's own label of a container that the swarm runs. */
const SWARM_TASK = 'com.docker.swarm.task.name'

/**
 * Who uses a volume on its owner right now, in words: containers by name (of the swarm or started by hand), and
 * processes that are in none of them.
 */
export async function volumeUsers(
  lab: OpenLab,
  volumes: LabVolumes,
  { name, owner }: VolumeRecord,
): Promise<readonly string[]> {
  const [holders, engine] = await Promise.all([(await volumes.node(owner)).holders(name), lab.engine(owner)])
  const path = `${NODE_PATHS.served}/${name}`
  const containers = (await engine.listContainers()).filter(({ Mounts }) =>
    Mounts.some(({ Name, Source }) => Name === name || Source === path || Source.startsWith(`${path}/`)),
  )
  const named = containers.map(({ Names, Labels }) => {
    const task = Labels[SWARM_TASK]
    const service = Labels[LABELS.service]
    const container = (Names[0] ?? '').replace(/^\//, '')
    return task === undefined ? `container ${container}` : `service ${service ?? task.split('.')[0] ?? task}`
  })
  // Every process of a container holds its mounts: the container says it for all of them.
  const others = containers.length === 0 ? holders : holders.filter(({ kind }) => kind === 'file')
  const inContainers = new Set(holders.filter(({ kind }) => kind === 'mount').map(({ pid }) => pid))
  const alone = others.filter(({ kind, pid }) => kind !== 'file' || !inContainers.has(pid))
  return [...new Set(named), ...(alone.length === 0 ? [] : [describeHolders(alone)])]
}
