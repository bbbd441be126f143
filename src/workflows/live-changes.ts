import { LabError, UsageError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { listNodes } from '../swarm/nodes.ts'
import { judgeChange, type LabChange } from './judge-change.ts'
import type { OpenLab } from './open-lab.ts'
import { openVolumes } from './volume-nodes.ts'

/** The label that the site gives to workers. */
const WORKER = 'lab.role.worker'

/** Holds lab.yml against the lab as it is. Throws a `UsageError` with every reason where something cannot be done. */
export async function liveChanges(open: OpenLab): Promise<LabChange> {
  const [machines, namesakes] = await Promise.all([open.machines(), namesakesOf(open)])
  const network = machines.length === 0 ? undefined : await open.provider.network(false)
  const change = judgeChange(open.spec, {
    machines,
    namesakes,
    subnet: network?.subnet,
    volumesOf: await volumesOfFormerWorkers(open),
  })
  if (change.refused.length === 0) return change
  const [first] = change.refused
  throw new UsageError(
    change.refused.map(({ message }) => message).join('; '),
    {
      where: 'lab.yml',
      hint: change.refused.length === 1 ? first?.hint : change.refused.map(({ hint }) => hint).join('; '),
    },
    'CHANGE_REFUSED',
  )
}

async function namesakesOf(open: OpenLab): Promise<readonly string[]> {
  const labs = (await open.provider.labs?.()) ?? []
  return labs.filter(({ id, directory }) => directory === open.lab.directory && id !== open.lab.id).map(({ id }) => id)
}

/** Volumes of nodes that the swarm knows as workers and lab.yml no longer does. Seldom any, and then asked for. */
async function volumesOfFormerWorkers(open: OpenLab): Promise<ReadonlyMap<string, readonly string[]>> {
  const machines = await open.machines()
  const runs = nodesWithRole(open.spec, 'manager').some((node) =>
    machines.some(({ name, state, paused }) => name === node.name && state === 'running' && paused !== true),
  )
  if (!runs) return new Map()
  try {
    const { engine } = await open.manager()
    const workers = new Set(nodesWithRole(open.spec, 'worker').map(({ name }) => name))
    const former = (await listNodes(engine, open.signal)).filter(
      ({ name, labels }) =>
        WORKER in labels && !workers.has(name) && open.spec.nodes.some((node) => node.name === name),
    )
    if (former.length === 0) return new Map()
    const records = (await openVolumes(open).records.list()).map(({ record }) => record)
    return new Map(
      former.map(({ name }) => [name, records.filter(({ owner }) => owner === name).map((record) => record.name)]),
    )
  } catch (error) {
    if (error instanceof LabError && error.code === 'NO_MANAGER') return new Map()
    throw error
  }
}
