import { LabError, UsageError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { PROBE_CONTAINER } from '../model/names.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { listNodes, setDrained } from '../swarm/nodes.ts'
import { takesTasks } from '../swarm/placement.ts'
import { engineStatus } from '../model/engine-error.ts'
import { afterStart } from './after-start.ts'
import { awaitEmpty } from './await-empty.ts'
import { waitingVolumes } from './drained.ts'
import { evacuate, hasVolumesAt } from './move-volumes.ts'
import type { OpenLab } from './open-lab.ts'
import { waitForApps } from './settle.ts'
import { runTask } from './task.ts'
import { openVolumes } from './volume-nodes.ts'
import { checkNodeNames, withNodes } from './with-nodes.ts'

/**
 * Takes apps off workers and keeps them off, over `up` too, until they are activated. With `moveVolumes` the volumes go
 * first, with the services that use them; without, a service whose volume is there waits. Throws `UsageError` for nodes
 * that must not be drained, before anything is changed.
 */
export async function drainNodes(
  open: OpenLab,
  names: readonly string[],
  options: { readonly moveVolumes: boolean },
): Promise<void> {
  checkNodeNames(open, names)
  for (const name of names) checkDrainable(open, name)
  const work = async () => {
    const { engine } = await open.manager()
    if (options.moveVolumes) {
      for (const name of names) {
        if (await hasVolumesAt(open, name)) await evacuate(open, name, { check: false }, names)
      }
    }
    for (const name of names) {
      await runTask(open.emit, `drain ${name}`, async (task) => {
        await removeProbe(open, name)
        if (!(await setDrained(engine, name, true))) task.unchanged()
        await awaitEmpty(open, name)
      })
    }
    const active = (await listNodes(engine, open.signal)).filter(
      (node) => takesTasks(node) && nodesWithRole(open.spec, 'worker').some(({ name }) => name === node.name),
    )
    if (active.length > 0) await waitForApps(open)
    else await tellWaiting(open, names)
    const rest = active.length === 0 ? '; no worker takes tasks now' : ''
    return `drained ${names.join(', ')}${rest}; "lab node activate ${names.join(' ')}" gives it tasks again`
  }
  await withNodes(open, { verb: 'drain', names, work })
}

/** Gives drained nodes tasks again, and brings back what belongs on them. */
export async function activateNodes(open: OpenLab, names: readonly string[]): Promise<void> {
  await withNodes(open, {
    verb: 'activate',
    names,
    work: async (machineOf) => {
      const { engine } = await open.manager()
      const changed: string[] = []
      for (const name of names) {
        await runTask(open.emit, `activate ${name}`, async (task) => {
          if (await setDrained(engine, name, false)) changed.push(name)
          else task.unchanged()
        })
      }
      const running = changed.filter((name) => machineOf(name).state === 'running' && machineOf(name).paused !== true)
      if (running.length > 0) await afterStart(open, running)
      return changed.length === 0 ? `${names.join(', ')} took tasks already` : `${changed.join(', ')} takes tasks again`
    },
  })
}

function checkDrainable(open: OpenLab, name: string): void {
  const roles = open.spec.nodes.find((node) => node.name === name)?.roles ?? []
  if (!roles.includes('worker')) {
    const workers = nodesWithRole(open.spec, 'worker').map((node) => node.name)
    throw new UsageError(`${name} runs no apps: there is nothing to drain`, {
      where: name,
      hint: `workers: ${workers.join(', ')}`,
    })
  }
  if (!roles.includes('edge')) return
  throw new UsageError(`${name} has the edge, which would lose the apps' network: nothing joins it on a drained node`, {
    where: name,
    hint: 'give the role "edge" to a node that is no worker, in lab.yml',
  })
}

/** The probe goes first: its address is given to another container once its node is drained. */
async function removeProbe(open: OpenLab, name: string): Promise<void> {
  try {
    await (await open.engine(name)).getContainer(PROBE_CONTAINER).remove({ force: true })
  } catch (error) {
    // A node that is off has no probe that runs; `up` removes the container when the node is back.
    const gone = error instanceof LabError && error.code === 'UNREACHABLE'
    if (!gone && engineStatus(error) !== 404) throw error
  }
}

/** Records of the volumes that a node owns. */
async function volumesOn(open: OpenLab, name: string): Promise<readonly VolumeRecord[]> {
  return (await openVolumes(open).records.list()).map(({ record }) => record).filter(({ owner }) => owner === name)
}

/** Says which volumes stay on drained nodes, and what to type. */
async function tellWaiting(open: OpenLab, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const here = await volumesOn(open, name)
    if (here.length === 0) continue
    open.emit({ type: 'notice', level: 'warning', message: waitingVolumes(name, here) })
  }
}
