import { FRONT_PORT } from '../model/edge-route.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import type { Endpoint, Machine } from '../model/provider.ts'
import type { OpenLab } from './open-lab.ts'

/** Looks up where ports of the edges are reached, each once: through the lab's front, else at an edge that answers. */
export async function edgeEndpoints(
  lab: OpenLab,
  machines: readonly Machine[],
): Promise<(port: number) => Promise<Endpoint | undefined>> {
  const { front } = lab.provider
  const edge = front === undefined ? await someEdge(lab, machines) : undefined
  const known = new Map<number, Promise<Endpoint | undefined>>()
  const ask = async (port: number) => {
    if (front !== undefined) return front.endpoint(port)
    return edge === undefined ? undefined : lab.provider.endpoint(edge, port)
  }
  const look = (port: number) => {
    const asked = known.get(port) ?? ask(port)
    known.set(port, asked)
    return asked
  }
  await look(FRONT_PORT)
  return look
}

/** The first edge that answers; where none does, the first one whose machine runs. */
async function someEdge(lab: OpenLab, machines: readonly Machine[]): Promise<string | undefined> {
  const running = nodesWithRole(lab.spec, 'edge')
    .map(({ name }) => name)
    .filter((edge) => machines.some(({ name, state }) => name === edge && state === 'running'))
  const answers = await Promise.all(
    running.map((name) =>
      lab.connect(name).then(
        () => true,
        () => false,
      ),
    ),
  )
  return running.find((_, index) => answers[index]) ?? running[0]
}
