import type Docker from 'dockerode'
import { FRONT_PORT } from '../../model/edge-route.ts'
import { LABELS } from '../../model/names.ts'
import type { HostLab } from '../../model/provider.ts'
import { engineAddress, openEngine } from './engine.ts'
import { answers, noEngine } from './host-engine.ts'
import { LOOPBACK } from './machine.ts'
import { machineState } from './states.ts'

/** Every lab whose nodes this engine has, by their labels, in the order of their ids. */
export async function listLabs(engine: Docker): Promise<readonly HostLab[]> {
  const containers = await engine.listContainers({ all: true, filters: { label: [LABELS.lab] } })
  const fronts = new Map(
    containers.flatMap(({ Labels, Ports }) => {
      const port = Ports.find(({ PrivatePort, IP }) => PrivatePort === FRONT_PORT && IP === LOOPBACK)?.PublicPort
      return LABELS.front in Labels && port !== undefined ? [[Labels[LABELS.lab] ?? '', port] as const] : []
    }),
  )
  const labs = new Map<string, HostLab>()
  for (const { Names, Labels, State } of containers) {
    const { [LABELS.lab]: id = '', [LABELS.node]: name = '' } = Labels
    // Labels pass from an image to containers: one that a snapshot is copied with has its node's.
    if (name === '' || !Names.includes(`/${id}-${name}`)) continue
    const before = labs.get(id)
    const port = fronts.get(id)
    const node = { name, state: machineState(State), paused: State === 'paused' }
    labs.set(id, {
      id,
      name: Labels[LABELS.labName] ?? id,
      directory: Labels[LABELS.directory] ?? '',
      nodes: [...(before?.nodes ?? []), node].sort((a, b) => (a.name < b.name ? -1 : 1)),
      edge: port === undefined ? undefined : { host: LOOPBACK, port },
    })
  }
  return [...labs.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Every lab on this host. Throws `NO_ENGINE` where its engine does not answer. */
export async function labsOfHost(): Promise<readonly HostLab[]> {
  const address = await engineAddress()
  const engine = openEngine(address)
  if (!(await answers(engine, address))) throw noEngine(address)
  return listLabs(engine)
}
