import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { nodesWithRole, type NodeSpec } from '../model/lab-spec.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { waitFor } from '../model/wait.ts'
import { engineMessage } from '../model/engine-error.ts'
import { demoteNode, forgetNode, listNodes, setDrained, type SwarmNode } from '../swarm/nodes.ts'
import { awaitEmpty } from './await-empty.ts'
import { evacuationTargets, noTarget } from './evacuation-targets.ts'
import { openFront } from './front.ts'
import { indispensable, leavingOrder, lostMajority, votersOf } from './manager-majority.ts'
import { evacuate, hasVolumesAt } from './move-volumes.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes } from './volume-nodes.ts'
import { stopReplicas } from './volume-replicas.ts'

/** Longest a former manager may take to be a worker, and a node that leaves to be gone. */
const MEMBER_MS = 30_000

/**
 * Finds out whether nodes can go, changing nothing, and answers with the order in which they can. Throws `ONLY_COPY` where
 * data would be lost, `LAST_MANAGER` where the swarm would be, `QUORUM` where the managers that are left would have no
 * majority, `NO_TARGET` where nobody takes their volumes. A lab whose swarm does not answer is not judged: `NO_MANAGER`.
 */
async function checkRemovable(open: OpenLab, names: readonly string[]): Promise<readonly string[]> {
  const { engine } = await open.manager()
  const members = await steadyMembers(open, engine)
  const machines = await open.machines()
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
  const voters = votersOf(members, machines)
  const order = leavingOrder(voters, names)
  const missed = indispensable(voters, order)
  if (missed !== undefined) throw lostMajority(missed)
  const records = await volumesOn(open, names)
  for (const record of records) {
    const machine = machines.find(({ name }) => name === record.owner)
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
        hint: `lab node start ${record.owner} (it must be in lab.yml for that), then run this again${promote}; or give the data up first: lab volume destroy ${record.name}`,
      },
    )
  }
  const workers = nodesWithRole(open.spec, 'worker').map(({ name }) => name)
  const [owned] = records
  if (owned !== undefined && evacuationTargets(workers, members, names).length === 0)
    throw noTarget(owned.owner, workers, members, names)
  return order
}

/**
 * Takes nodes out of the lab, after {@link checkRemovable}: their volumes go to others with their services; once none is
 * left on any of them `emptied` is called, and only then the nodes go, one after the other. Cut off anywhere, the same
 * again does the rest.
 */
export async function removeNodes(
  open: OpenLab,
  names: readonly string[],
  emptied?: () => Promise<void>,
): Promise<void> {
  const order = names.length === 0 ? [] : await checkRemovable(open, names)
  for (const name of order) await moveOff(withNode(open, name), name, names)
  await emptied?.()
  for (const name of order) await removeNode(withNode(open, name), name, names)
}

async function moveOff(open: OpenLab, name: string, leaving: readonly string[]): Promise<void> {
  if (await hasVolumesAt(open, name)) await evacuate(open, name, { check: false }, leaving)
  const [left] = await volumesOn(open, [name])
  if (left === undefined) return
  throw new LabError('ONLY_COPY', `${left.name} is still on ${name}: it is not destroyed`, {
    where: name,
    hint: 'lab volumes',
  })
}

/** Its apps go to others too, it leaves the swarm, and its machine is destroyed. */
async function removeNode(open: OpenLab, name: string, leaving: readonly string[]): Promise<void> {
  // Moves take their time: meanwhile another manager may have died, or a volume been made here.
  await checkRemovable(open, [name])
  await moveOff(open, name, leaving)
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
    const ready = listed.some(({ state }) => state === 'ready')
    const drained = ready && (await setDrained(engine, name, true))
    try {
      if (ready) await awaitEmpty(open, name)
      for (const each of listed) if (each.role === 'manager') await demote(open, engine, each)
    } catch (error) {
      // It stays, so it is to take tasks as before.
      if (drained) await setDrained(engine, name, false).catch(() => undefined)
      throw error
    }
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
  try {
    await demoteNode(engine, member.id, member.name)
  } catch (error) {
    if (!(error instanceof LabError) || !error.message.includes('quorum')) throw error
    // One died since it was looked at.
    const voters = votersOf(await steadyMembers(open, engine), await open.machines())
    throw lostMajority(indispensable(voters, [member.name]) ?? { name: member.name, lost: [] })
  }
  const isNone = (now: readonly SwarmNode[]) => now.find(({ id }) => id === member.id)?.manages !== true
  await awaitMembers(open, engine, `${member.name} to be no manager any more`, isNone)
}

/** Everybody in the swarm. A leader that is new calls those unknown that it has not heard of yet: that is waited for. */
function steadyMembers(open: OpenLab, engine: Docker): Promise<readonly SwarmNode[]> {
  return awaitMembers(open, engine, 'the swarm to know its nodes', () => true)
}

async function awaitMembers(
  open: OpenLab,
  engine: Docker,
  what: string,
  holds: (now: readonly SwarmNode[]) => boolean,
): Promise<readonly SwarmNode[]> {
  let seen = ''
  return waitFor(
    async () => {
      try {
        const now = await listNodes(engine, open.signal)
        const unknown = now.filter(({ state }) => state === 'unknown')
        seen = unknown.length === 0 ? '' : `unknown: ${unknown.map(({ name }) => name).join(', ')}`
        return unknown.length === 0 && holds(now) ? now : undefined
      } catch (error) {
        // Between two leaders nobody can tell.
        open.signal.throwIfAborted()
        seen = engineMessage(error)
        return undefined
      }
    },
    { deadlineMs: MEMBER_MS, what, signal: open.signal, lastSeen: () => seen },
  )
}
