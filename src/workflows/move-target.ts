import { LabError } from '../model/errors.ts'
import { REGISTRY, REGISTRY_USER, volumeLabel } from '../model/names.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { listNodes, nodeNamed } from '../swarm/nodes.ts'
import { nodeFits, takesTasks } from '../swarm/placement.ts'
import { listServices } from '../swarm/services.ts'
import { watchBlackout, type BlackoutWatch } from '../swarm/volume-blackout.ts'
import { isGone } from '../volumes/move/node-gone.ts'
import type { OpenLab } from './open-lab.ts'
import type { TaskHandle } from './task.ts'
import type { LabVolumes } from './volume-nodes.ts'

/**
 * Makes sure that the service can start on the target the moment its data is there: the swarm gives tasks to the node,
 * the service's other constraints allow it, and its image is there already. Returns whether that had to be pulled.
 */
export async function prepareTargetNode(
  lab: OpenLab,
  volumes: LabVolumes,
  record: VolumeRecord,
  to: string,
  task: TaskHandle,
): Promise<boolean> {
  const engine = await volumes.engine()
  const node = nodeNamed(await listNodes(engine, lab.signal), to)
  if (!takesTasks(node)) {
    const state = node.state === 'ready' ? `takes no tasks (${node.availability})` : `is ${node.state} in the swarm`
    throw new LabError('NODE_NOT_READY', `${to} ${state}`, { where: to, hint: 'lab up' })
  }
  const using = await volumes.scheduler.service(record)
  if (using === undefined) return false
  const service = (await listServices(engine, lab.signal)).find(({ id }) => id === using.id)
  const others = (service?.constraints ?? []).filter((each) => !each.includes(volumeLabel(record.name)))
  if (!nodeFits(node, others)) {
    throw new LabError('NO_FIT', `${using.name} may not run on ${to}: it asks for ${others.join(', ')}`, {
      where: `service ${using.name}`,
      hint: 'change deploy.placement in its compose.yml, or choose another node',
    })
  }
  return pullImage(lab, to, using.image, task)
}

async function pullImage(lab: OpenLab, node: string, image: string, task: TaskHandle): Promise<boolean> {
  const engine = await lab.engine(node)
  const images = await engine.listImages({ filters: { reference: [image] } })
  if (images.length > 0) return false
  task.progress(`pulling ${image} on ${node}`)
  const ours = image.startsWith(`${REGISTRY}/`)
  const authconfig = ours
    ? { username: REGISTRY_USER, password: (await lab.site()).registry.password, serveraddress: REGISTRY }
    : undefined
  const stream = await engine.pull(image, authconfig === undefined ? {} : { authconfig })
  await new Promise<void>((resolve, reject) => {
    engine.modem.followProgress(stream, (error: Error | null) => {
      if (error === null) resolve()
      else reject(new LabError('PULL', `${node} cannot pull ${image}: ${error.message}`, { where: node, cause: error }))
    })
  })
  return true
}

/** Begins to measure how long the service is away. Undefined when there is no service, or an engine cannot be asked. */
export async function startWatch(
  lab: OpenLab,
  volumes: LabVolumes,
  record: VolumeRecord,
): Promise<BlackoutWatch | undefined> {
  const service = await volumes.scheduler.service(record)
  if (service === undefined || record.move === undefined) return undefined
  try {
    const [source, target] = await Promise.all([lab.engine(record.move.source), lab.engine(record.move.target)])
    return await watchBlackout(source, target, service)
  } catch (error) {
    // A node that is down gives no events, and may be the reason why this move is being finished or undone.
    if (isGone(error)) return undefined
    throw error
  }
}
