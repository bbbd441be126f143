import type Docker from 'dockerode'
import { LabError, UsageError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { waitFor } from '../model/wait.ts'
import { forgetNode, listNodes } from '../swarm/nodes.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Longest a manager that stands alone may take to lead. */
const LEAD_MS = 60_000

/** A manager that answers, but whose swarm has no majority. */
interface Survivor {
  readonly name: string
  readonly engine: Docker
}

/**
 * Finds out who would lead on. Throws `QUORUM` where nothing is lost, and `NO_MANAGER` where nobody is left who knows the
 * swarm.
 */
export async function findSurvivor(open: OpenLab, wanted: string | undefined): Promise<Survivor> {
  const managers = nodesWithRole(open.spec, 'manager').map(({ name }) => name)
  if (wanted !== undefined && !managers.includes(wanted)) {
    throw new UsageError(`${wanted} is not a manager`, { hint: `managers: ${managers.join(', ')}` })
  }
  const known = await open.manager().then(
    ({ node }) => node,
    (error: unknown) => {
      if (error instanceof LabError && error.code === 'NO_MANAGER') return undefined
      throw error
    },
  )
  if (known !== undefined) {
    throw new LabError('QUORUM', `${known} answers for the swarm: the managers have their majority`, {
      where: known,
      hint: 'lab up; for a manager that is lost: lab node replace NAME',
    })
  }
  for (const name of wanted === undefined ? managers : [wanted]) {
    const engine = await knowing(open, name)
    if (engine !== undefined) return { name, engine }
  }
  throw new LabError('NO_MANAGER', 'no manager that knows the swarm answers: there is nothing to recover it from', {
    where: managers.join(', '),
    hint: 'lab node start starts one that is off; what its disk has is what is left of the swarm',
  })
}

/**
 * Makes one manager the whole of them, with all it knows of services and volumes. What the others agreed on without it is
 * lost. They are taken off the list; `up` then has them join as new ones.
 */
export async function recoverQuorum(open: OpenLab, { name, engine }: Survivor): Promise<void> {
  await withLock(open.lab.stateDirectory, 'node recover-quorum', async () => {
    const address = (await open.machines()).find((machine) => machine.name === name)?.address ?? ''
    const others = nodesWithRole(open.spec, 'manager').filter((node) => node.name !== name)
    // Whoever still answers must not go on with the list that has no majority.
    for (const other of others) await leave(open, other.name)
    await runTask(open.emit, `let ${name} lead alone`, async () => {
      await engine.swarmInit({ ForceNewCluster: true, AdvertiseAddr: address, ListenAddr: `${address}:2377` })
      await waitFor(
        async () => {
          try {
            return (await listNodes(engine, open.signal)).some((node) => node.leader) || undefined
          } catch {
            // It says so until it has made itself the leader.
            open.signal.throwIfAborted()
            return undefined
          }
        },
        { deadlineMs: LEAD_MS, what: `${name} to lead`, signal: open.signal },
      )
    })
    await runTask(open.emit, 'take the other managers off the list', async () => {
      const listed = (await listNodes(engine, open.signal)).filter((node) =>
        others.some((other) => other.name === node.name),
      )
      // They are no members of the raft any more, so there is nothing to demote.
      for (const node of listed) await forgetNode(engine, node.id)
    })
  })
}

/** The engine of a manager that still has the swarm on its disk; undefined for one that does not answer or has left. */
async function knowing(open: OpenLab, name: string): Promise<Docker | undefined> {
  try {
    const engine = await open.engine(name)
    const info = (await engine.info()) as {
      readonly Swarm?: { readonly LocalNodeState?: string; readonly ControlAvailable?: boolean }
    }
    return info.Swarm?.LocalNodeState !== 'inactive' && info.Swarm?.ControlAvailable === true ? engine : undefined
  } catch (error) {
    open.signal.throwIfAborted()
    if (error instanceof LabError && error.code === 'UNREACHABLE') return undefined
    throw error
  }
}

async function leave(open: OpenLab, name: string): Promise<void> {
  const engine = await knowing(open, name)
  if (engine === undefined) return
  await runTask(open.emit, `${name} gives up the swarm without majority`, () => engine.swarmLeave({ force: true }))
}
