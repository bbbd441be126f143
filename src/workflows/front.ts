import { FRONT_PORT } from '../model/edge-route.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** What leads clients to the edges, where it is not as usual. */
export interface FrontOptions {
  /** Ports of the routes there are; as before when absent. */
  readonly ports?: readonly number[]
  /** A node that is about to go. */
  readonly without?: string
}

/**
 * Leads the lab's URL to its edges: those that lab.yml names and that exist, whether or not they run now. Nothing where
 * each edge is reached at its own address. Returns whether something was changed.
 */
export async function openFront(open: OpenLab, { ports, without }: FrontOptions = {}): Promise<boolean> {
  const { front } = open.provider
  if (front === undefined) return false
  const machines = await open.machines()
  const edges = nodesWithRole(open.spec, 'edge').flatMap(({ name }) => {
    const address = machines.find((machine) => machine.name === name)?.address
    return address === undefined || name === without ? [] : [{ name, address }]
  })
  if (edges.length === 0) return false
  return runTask(open.emit, "lead the lab's URL to its edges", async (task) => {
    const changed = await front.lead({ hostPort: open.spec.edge.port, ports, edges }, open.signal)
    const found = await front.endpoint(FRONT_PORT)
    if (found !== undefined) task.detail(`http://${found.host}:${String(found.port)}`)
    if (!changed) task.unchanged()
    return changed
  })
}
