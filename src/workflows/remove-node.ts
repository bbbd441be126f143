import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { nodesWithRole, type NodeSpec } from '../model/lab-spec.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { waitFor } from '../model/wait.ts'
import { demoteNode, forgetNode, listNodes, setDrained, type SwarmNode } from '../swarm/nodes.ts'
import { evacuate, hasVolumesAt } from './move-volumes.ts'
import { awaitEmpty } from './await-empty.ts'
import { openFront } from './front.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes } from './volume-nodes.ts'
import { stopReplicas } from './volume-replicas.ts'

/** Longest a former manager may take to be a worker, and a node that leaves to be gone. */
const MEMBER_MS = 30_000

/**
 * Finds out whether nodes can go, changing nothing. Throws `ONLY_COPY` where data would be lost, `LAST_MANAGER` where the
 * swarm would be. A lab whose swarm does not answer is not judged: `NO_MANAGER`.
 */
export async function checkRemovable(open: OpenLab, names: readonly string[]): Promise<void> {
  const { engine } = await open.manager()
  const members = await listNodes(engine, open.signal)
  const managers = members.filter(
    ({ role, state, name }) => role === 'manager' && state === 'ready' && !names.includes(name),
  )
  const leaving = members.filter(({ role, name }) => role === 'manager' && names.includes(name))
  if (leaving.length > 0 && managers.length === 0) {
    const last = leaving.map(({ name }) => name).join(', ')
    throw new LabError(
      'LAST_MANAGER',
      `${last} is the last manager: the swarm, its services and the records of all volumes would go with it`,
      {
        where: last,
        hint: 'give another node the role "manager" in lab.yml and run lab up first; or, giving up everything: lab destroy',
      },
    )
  }
  for (const record of await volumesOn(open, names)) {
    const machine = (await open.machines()).find(({ name }) => name === record.owner)
    if (machine?.state === 'running' && machine.paused !== true && (await answers(open, record.owner))) continue
    const replica = record.policy?.replicas.find(({ node }) => !names.includes(node))?.node
    const promote =
      replica === undefined
        ? ''
        : `, or make its copy the volume: lab volume promote ${record.name} ${replica} --accept-loss`
    throw new LabError(
      'ONLY_COPY',
      `${record.owner} has the data of ${record.name} and does not answer: it is not destroyed`,
      {
        where: record.owner,
        hint: `lab node start ${record.owner}, then run this again${promote}; or give the data up first: lab volume destroy ${record.name}`,
      },
    )
  }
}

/**
 * Takes a node out of the lab: its volumes go to others with their services, its apps too, it leaves the swarm, and its
 * machine is destroyed. Cut off anywhere, the same again does the rest.
 */
export async function removeNode(outer: OpenLab, name: string): Promise<void> {
  const open = withNode(outer, name)
  await checkRemovable(open, [name])
  if (await hasVolumesAt(open, name)) await evacuate(open, name, { check: false })
  const [left] = await volumesOn(open, [name])
  if (left !== undefined) {
    throw new LabError('ONLY_COPY', `${left.name} is still on ${name}: it is not destroyed`, {
      where: name,
      hint: 'lab volumes',
    })
  }
  await dropReplicas(open, name)
  const { engine } = await otherManager(open, name)
  const member = async () => (await listNodes(engine, open.signal)).filter((each) => each.name === name)
  await runTask(open.emit, `take ${name} out of the swarm`, async (task) => {
    const listed = await member()
    if (listed.length === 0) {
      task.unchanged()
      return
    }
    // A manager may be a worker as well.
    if (listed.some(({ state }) => state === 'ready')) {
      await setDrained(engine, name, true)
      await awaitEmpty(open, name)
    }
    for (const each of listed) if (each.role === 'manager') await demote(open, engine, each)
  })
  await openFront(open, { without: name })
  await runTask(open.emit, `destroy ${name}`, async () => {
    await open.disconnect(name)
    await open.provider.destroy(name)
    open.refresh()
    for (const { id } of await member()) await forgetNode(engine, id)
  })
}

/** The same lab with a node that lab.yml no longer has: a worker that may still own volumes. */
function withNode(open: OpenLab, name: string): OpenLab {
  if (open.spec.nodes.some((node) => node.name === name)) return open
  const node: NodeSpec = { name, roles: ['worker'], memoryBytes: undefined, cpus: undefined, vars: {} }
  return { ...open, spec: { ...open.spec, nodes: [...open.spec.nodes, node] } }
}

async function volumesOn(open: OpenLab, names: readonly string[]): Promise<readonly VolumeRecord[]> {
  const stored = await openVolumes(open).records.list()
  return stored.map(({ record }) => record).filter(({ owner }) => names.includes(owner))
}

async function answers(open: OpenLab, name: string): Promise<boolean> {
  try {
    await open.connect(name)
    return true
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return false
  }
}

/** Owners elsewhere would go on trying to bring copies on the node up to date. */
async function dropReplicas(open: OpenLab, name: string): Promise<void> {
  const stored = await openVolumes(open).records.list()
  for (const { record } of stored) {
    if (record.policy?.replicas.some(({ node }) => node === name) === true) await stopReplicas(open, record.name, name)
  }
}

/** A manager that stays. */
async function otherManager(open: OpenLab, name: string): Promise<{ readonly engine: Docker }> {
  for (const manager of nodesWithRole(open.spec, 'manager')) {
    if (manager.name === name) continue
    try {
      const engine = await open.engine(manager.name)
      await engine.swarmInspect()
      return { engine }
    } catch (error) {
      open.signal.throwIfAborted()
      if (!(error instanceof Error)) throw error
    }
  }
  return open.manager()
}

/** Before it is gone: a manager that just vanishes counts for the majority for ever. */
async function demote(open: OpenLab, engine: Docker, member: SwarmNode): Promise<void> {
  await demoteNode(engine, member.id, member.name)
  await waitFor(
    async () => {
      const now = (await listNodes(engine, open.signal)).find(({ id }) => id === member.id)
      return !now?.manages ? true : undefined
    },
    { deadlineMs: MEMBER_MS, what: `${member.name} to be no manager any more`, signal: open.signal },
  )
}
