import type { ContainerInfo } from 'dockerode'
import { LabError } from '../model/errors.ts'
import { LABELS, NODE_PATHS } from '../model/names.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { describeHolders } from '../volumes/move/quiesce.ts'
import type { OpenLab } from './open-lab.ts'
import type { LabVolumes } from './volume-nodes.ts'

/** Docker's own label of a container that the swarm runs. Labels of lab may be the image's, whoever runs it. */
const SWARM_SERVICE = 'com.docker.swarm.service.name'

/**
 * Who uses a volume on its owner right now, in words: containers by name (of the swarm or started by hand), and
 * processes that are in none of them.
 */
export async function volumeUsers(
  lab: OpenLab,
  volumes: LabVolumes,
  { name, owner }: VolumeRecord,
): Promise<readonly string[]> {
  const [holders, containers] = await Promise.all([
    (await volumes.node(owner)).holders(name),
    containersWith(lab, owner, name),
  ])
  const named = containers.map(nameOf)
  // Every process of a container holds its mounts: the container says it for all of them.
  const others = containers.length === 0 ? holders : holders.filter(({ kind }) => kind === 'file')
  const inContainers = new Set(holders.filter(({ kind }) => kind === 'mount').map(({ pid }) => pid))
  const alone = others.filter(({ kind, pid }) => kind !== 'file' || !inContainers.has(pid))
  return [...new Set(named), ...(alone.length === 0 ? [] : [describeHolders(alone)])]
}

/**
 * Throws `VOLUME_IN_USE` when a container has the volume that is not of its service, be it of the swarm or not: nobody
 * would stop it for a move, which would find that out only after all is copied and the service is stopped.
 */
export async function refuseOutsiders(lab: OpenLab, { name, owner, app, service }: VolumeRecord): Promise<void> {
  const all = await containersWith(lab, owner, name)
  const outside = all.filter(({ Labels }) => Labels[SWARM_SERVICE] !== `${app}_${service}`)
  if (outside.length === 0) return
  const names = [...new Set(outside.map(nameOf))].join(', ')
  throw new LabError('VOLUME_IN_USE', `${name} is used on ${owner} by what is not its service: ${names}`, {
    where: owner,
    hint: `stop it (lab ssh ${owner}, then docker stop; of a service: lab rm APP, or docker service rm on a manager), then run the same command again`,
  })
}

/** A container by the service it is of, or its own name. */
function nameOf({ Names, Labels }: ContainerInfo): string {
  const service = Labels[SWARM_SERVICE]
  if (service === undefined) return `container ${(Names[0] ?? '').replace(/^\//, '')}`
  const ours = Labels[LABELS.service]
  return `service ${service === `${Labels[LABELS.app] ?? ''}_${ours ?? ''}` ? (ours ?? service) : service}`
}

/** Running containers with the volume or a directory of it, by its name at the engine or by its path. */
async function containersWith(lab: OpenLab, node: string, volume: string) {
  const path = `${NODE_PATHS.served}/${volume}`
  return (await (await lab.engine(node)).listContainers()).filter(({ Mounts }) =>
    Mounts.some(({ Name, Source }) => Name === volume || Source === path || Source.startsWith(`${path}/`)),
  )
}
