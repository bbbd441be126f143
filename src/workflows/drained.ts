import { drainedNodes, listNodes } from '../swarm/nodes.ts'
import type { OpenLab } from './open-lab.ts'

/** Names of the lab's nodes that are drained by hand. */
export async function drainedNow(open: OpenLab): Promise<readonly string[]> {
  return drainedNodes(await listNodes((await open.manager()).engine, open.signal))
}

/** Pure: what volumes on a drained node mean, in a person's words. */
export function waitingVolumes(
  node: string,
  volumes: readonly { readonly name: string; readonly service: string }[],
): string {
  const services = [...new Set(volumes.map(({ service }) => service))].filter((service) => service !== '')
  const wait = services.length === 0 ? '' : `, so ${services.join(', ')} cannot run`
  return `${volumes.map(({ name }) => name).join(', ')} is on ${node}, which is drained${wait}: "lab volume move --evacuate ${node}" moves it to another node, "lab node activate ${node}" lets it run there again`
}
