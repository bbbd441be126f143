import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { waitFor } from '../model/wait.ts'
import { crowdedServices } from '../swarm/crowding.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { listTasks } from '../swarm/tasks.ts'
import { waitForServices } from '../swarm/wait-services.ts'
import { dnsDocument } from './dns.ts'
import { applyEdge, waitForEdge } from './edge.ts'
import { drainedNow, waitingVolumes } from './drained.ts'
import type { OpenLab } from './open-lab.ts'
import { supplyAllImages } from './supply-images.ts'
import { runTask } from './task.ts'
import { tryEach } from './try-each.ts'
import { openVolumes } from './volume-nodes.ts'
import { assertVolumes, finishOpenMoves } from './volumes.ts'
import { waitForMembers } from './wait-members.ts'

/** Longest that apps may take to come back after their machines were started. */
const COME_BACK_MS = 90_000

/**
 * After the playbooks: what the swarm's own records ask for, once it sees every node. Volumes are where their records say,
 * moves that were cut off are finished or undone, the edge knows every route, the registry and the workers have the images of
 * what is deployed, and apps of machines that were just started run again.
 */
export async function settle(open: OpenLab, { restarted }: { readonly restarted: boolean }): Promise<void> {
  if (restarted) await waitForMembers(open)
  // A move that cannot be ended keeps one volume from its service, not the others.
  const [stuck] = await tryEach(open.signal, [open], (lab) => finishOpenMoves(lab))
  await assertVolumes(open)
  await Promise.all([applyEdge(open), supplyAllImages(open)])
  if (stuck !== undefined) throw stuck
  if (restarted) await waitForApps(open)
}

/**
 * Longest that names may take. Engines that started at different moments find each other's names again by trying every
 * 60 s; until then the edge knows no task.
 */
const NAMES_MS = 120_000

/**
 * Waits until the services that can run do, are known by name everywhere, and the edge sends clients to them. One that
 * does not come back is a warning: the lab is up, and its owner may know why the app is not. Says which wait for a volume.
 */
export async function waitForApps(open: OpenLab): Promise<void> {
  const { engine } = await open.manager()
  const waiting = await servicesThatWait(open)
  const services = (await listServices(engine, open.signal)).filter(
    ({ name, replicas }) => replicas !== 0 && !waiting.includes(name),
  )
  const ids = services.map(({ id }) => id)
  if (ids.length === 0) return
  try {
    await runTask(open.emit, 'wait for the apps', (task) =>
      waitForServices(engine, ids, {
        deadlineMs: COME_BACK_MS,
        signal: open.signal,
        judgeUpdate: false,
        untilGone: false,
        onProgress: (line) => {
          task.progress(line)
        },
      }),
    )
    await runTask(open.emit, 'wait for the names of the apps on every node', () =>
      waitFor(async () => ((await dnsDocument(open)).consistent ? true : undefined), {
        deadlineMs: NAMES_MS,
        signal: open.signal,
        what: 'every node to answer with the tasks that run ("lab dns" shows which does not)',
      }),
    )
    await waitForEdge(open, services)
    await tellCrowded(open, engine, services)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    open.emit({ type: 'notice', level: 'warning', message: `not every app came back: ${error.message}` })
  }
}

/** Nothing is restarted unasked; but whoever counts on several tasks wants to know that they would die together. */
async function tellCrowded(open: OpenLab, engine: Docker, services: readonly ServiceView[]): Promise<void> {
  const nodes = await listNodes(engine, open.signal)
  const ids = services.map(({ id }) => id)
  const tasks = await listTasks(engine, ids, nodes, open.signal)
  for (const { service, tasks: count, node } of crowdedServices(services, tasks, nodes)) {
    const message = `all ${String(count)} tasks of ${service} run on ${node}: "lab restart ${service}" spreads them`
    open.emit({ type: 'notice', level: 'warning', message })
  }
}

/** Services whose volume is on a drained node: they run once the volume is moved, or the node takes tasks again. */
async function servicesThatWait(open: OpenLab): Promise<readonly string[]> {
  const drained = await drainedNow(open)
  if (drained.length === 0) return []
  const records = (await openVolumes(open).records.list()).map(({ record }) => record)
  return drained.flatMap((node) => {
    const here = records.filter(({ owner }) => owner === node)
    if (here.length > 0) open.emit({ type: 'notice', level: 'warning', message: waitingVolumes(node, here) })
    return here.map(({ service }) => service).filter((service) => service !== '')
  })
}
