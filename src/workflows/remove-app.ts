import { join } from 'node:path'
import { removeSwarmFiles, STACK_LABEL } from '../apps/swarm-files.ts'
import { engineMessage, engineStatus } from '../model/engine-error.ts'
import { LabError } from '../model/errors.ts'
import { LABELS, NODE_PATHS, unknownName } from '../model/names.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { waitFor } from '../model/wait.ts'
import { listServices } from '../swarm/services.ts'
import { listNodes } from '../swarm/nodes.ts'
import { isAlive, listTasks } from '../swarm/tasks.ts'
import { applyEdgeInTurn } from './in-turn.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { finishOpenMoves } from './volumes.ts'

/** What to remove. */
export interface RemoveAppOptions {
  readonly app: string
}

/** What was removed, and what stays. */
export interface RemoveAppResult {
  readonly app: string
  readonly services: readonly string[]
  /** Volumes whose data is kept. */
  readonly volumes: readonly string[]
}

/** Longest that tasks may take to end: their own stop grace, and a little. */
const STOP_DEADLINE_MS = 120_000

/**
 * Takes an app's services, networks, configs and secrets away and waits until nothing of it runs. Its volumes and their
 * data stay, as do its images in the registry.
 */
export async function removeApp(lab: OpenLab, { app }: RemoveAppOptions): Promise<RemoveAppResult> {
  const started = performance.now()
  const { engine } = await lab.manager()
  const all = await listServices(engine, lab.signal)
  if (!all.some((service) => service.app === app)) {
    throw unknownName('app', app, [...new Set(all.map((service) => service.app))].sort())
  }
  const result = await withLock(join(lab.lab.stateDirectory, 'locks', app), `rm ${app}`, () => removeLocked(lab, app))
  const kept = result.volumes.length === 0 ? '' : `; the data of ${result.volumes.join(', ')} is kept`
  lab.emit({
    type: 'done',
    command: 'rm',
    message: `removed ${result.services.join(', ')}${kept}`,
    durationMs: Math.round(performance.now() - started),
  })
  return result
}

async function removeLocked(lab: OpenLab, app: string): Promise<RemoveAppResult> {
  await finishOpenMoves(lab, (record) => record.app === app)
  const { engine } = await lab.manager()
  const own = (await listServices(engine, lab.signal)).filter((service) => service.app === app)
  const nodes = await listNodes(engine, lab.signal)
  // Tasks of a service that is gone are not listed by its id for long: look before.
  const tasks = (
    await listTasks(
      engine,
      own.map(({ id }) => id),
      nodes,
      lab.signal,
    )
  ).filter(isAlive)
  await runTask(lab.emit, `remove ${app}`, async (task) => {
    await Promise.all(own.map(({ id }) => ignoreMissing(engine.getService(id).remove())))
    await applyEdgeInTurn(lab)
    const down = new Set(nodes.filter(({ state }) => state === 'down').map(({ name }) => name))
    const containers = tasks.flatMap(({ node, containerId }) =>
      node === undefined || containerId === undefined || down.has(node) ? [] : [{ node, containerId }],
    )
    await Promise.all(
      containers.map(async ({ node, containerId }) => {
        task.progress(`waiting for a task on ${node} to end`)
        const container = (await lab.engine(node)).getContainer(containerId)
        await waitFor(async () => ((await isRunning(container)) ? undefined : true), {
          deadlineMs: STOP_DEADLINE_MS,
          what: `a task of ${app} on ${node} to end`,
          signal: lab.signal,
        })
      }),
    )
    await removeNetworks(lab, app)
    await removeSwarmFiles(engine, app, new Set())
    await removeSources(lab, app)
  })
  return {
    app,
    services: own.map(({ name }) => name),
    volumes: own.flatMap(({ labels }) => labels[LABELS.volume] ?? []),
  }
}

async function isRunning(container: { inspect(): Promise<{ State: { Running: boolean } }> }): Promise<boolean> {
  return (await ignoreMissing(container.inspect()))?.State.Running ?? false
}

/** The app's private overlays. The swarm lets go of one a moment after its last task. */
async function removeNetworks(lab: OpenLab, app: string): Promise<void> {
  const { engine } = await lab.manager()
  const networks = await engine.listNetworks({ filters: { label: [`${STACK_LABEL}=${app}`, `${LABELS.app}=${app}`] } })
  for (const { Id, Name } of networks) {
    let said = ''
    await waitFor(
      async () => {
        try {
          await ignoreMissing(engine.getNetwork(Id).remove())
          return true
        } catch (error) {
          if (engineStatus(error) === undefined) throw error
          said = engineMessage(error)
          return undefined
        }
      },
      {
        deadlineMs: STOP_DEADLINE_MS,
        what: `the network ${Name} to be free`,
        lastSeen: () => said,
        signal: lab.signal,
      },
    )
  }
}

/** The copy of the app's files on the build node, which may hold what the user calls secret. */
async function removeSources(lab: OpenLab, app: string): Promise<void> {
  const [build] = nodesWithRole(lab.spec, 'build')
  if (build === undefined) return
  const connection = await lab.connect(build.name)
  const { status, stderr } = await connection.exec({ argv: ['rm', '-rf', '--', `${NODE_PATHS.apps}/${app}`] })
  if (status !== 0) throw new LabError('NODE', stderr.trim(), { where: build.name })
}

async function ignoreMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (engineStatus(error) === 404) return undefined
    throw error
  }
}
