import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import { isCurrent } from '../swarm/judge-services.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { listTasks, type TaskView } from '../swarm/tasks.ts'
import { ServicesFailedError } from '../swarm/service-watch.ts'
import { waitForServices } from '../swarm/wait-services.ts'
import { applyEdgeInTurn } from './in-turn.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { lastLogLines } from './task-logs.ts'

/** Longest a task may take to come up when its health check does not ask for more. */
const UP_DEADLINE_MS = 120_000
/** Longest the version before may take to be back. */
const BACK_DEADLINE_MS = 120_000
/** How long a task without a health check must stay up to be believed. */
const STABLE_MS = 3000

/** Waits until services run as they are to. Throws `ServicesFailedError` as soon as that is not to be. */
export async function waitUntilUp(
  lab: OpenLab,
  engine: Docker,
  services: readonly ServiceView[],
  options: { readonly updated: boolean },
): Promise<void> {
  await runTask(lab.emit, options.updated ? 'wait until healthy' : 'check that it is up', async (task) => {
    await waitForServices(
      engine,
      services.map(({ id }) => id),
      {
        deadlineMs: Math.max(UP_DEADLINE_MS, ...services.map(checkPatienceMs)),
        stableMs: options.updated ? STABLE_MS : 0,
        judgeUpdate: options.updated,
        signal: lab.signal,
        onProgress: (line) => {
          task.progress(line)
        },
      },
    )
    if (!options.updated) task.unchanged()
  })
}

/**
 * After a failed deploy: says what each failing task said last, puts the version before back where there is one, and
 * returns the error to end with. `before`: the app's services as they were.
 */
export async function recover(
  lab: OpenLab,
  app: string,
  before: readonly ServiceView[],
  failed: ServicesFailedError,
): Promise<LabError> {
  const { engine } = await lab.manager()
  const now = (await listServices(engine, lab.signal)).filter((service) => service.app === app)
  const reports = await Promise.all(
    failed.failures.map(async (failure) => {
      const service = now.find(({ name }) => name === failure.service)
      // A task that found no node never said anything.
      const silent = service === undefined || failure.reason === 'unplaced'
      const lines = silent ? undefined : await failedLines(lab, engine, service, failure.task)
      return lines === undefined || lines === ''
        ? `${failure.service}: ${failure.message}`
        : `${failure.service}: ${failure.message}\nits last lines:\n${lines}`
    }),
  )
  const names = failed.failures.map(({ service }) => service).join(', ')
  const end = before.length === 0 ? await afterFirst(lab) : await putBack(lab, engine, app, before, now)
  return new LabError('DEPLOY_FAILED', `${reports.join('\n')}\n${end.message}`, {
    where: `service ${names}`,
    hint: end.hint,
    cause: failed,
  })
}

interface Ending {
  readonly message: string
  readonly hint: string
}

async function afterFirst(lab: OpenLab): Promise<Ending> {
  await applyEdgeInTurn(lab)
  return {
    message: 'there is no version before to go back to: what was deployed is still there, and is tried again and again',
    hint: 'mend it and deploy again, or take it away with lab rm',
  }
}

/** Puts every service back to what it was; those that were not there before go. */
async function putBack(
  lab: OpenLab,
  engine: Docker,
  app: string,
  before: readonly ServiceView[],
  now: readonly ServiceView[],
): Promise<Ending> {
  return runTask(lab.emit, `put the version before of ${app} back`, async (task) => {
    const kept = now.filter(({ id }) => before.some((service) => service.id === id))
    const added = now.filter((service) => !kept.includes(service))
    await Promise.all(added.map(({ id }) => engine.getService(id).remove()))
    await Promise.all(kept.map((service) => rollBack(engine, service.id, before)))
    await applyEdgeInTurn(lab)
    try {
      await waitForServices(
        engine,
        kept.map(({ id }) => id),
        {
          deadlineMs: BACK_DEADLINE_MS,
          judgeUpdate: false,
          signal: lab.signal,
          onProgress: (line) => {
            task.progress(line)
          },
        },
      )
      return {
        message: 'the version before was put back and serves',
        hint: 'mend it and deploy again',
      }
    } catch (error) {
      if (!(error instanceof ServicesFailedError)) throw error
      return {
        message: `the version before was put back, but does not come up either: ${error.message}`,
        hint: 'lab status and lab logs show what it does',
      }
    }
  })
}

/** Puts one service back, unless the swarm does so already or nothing of it was changed. */
async function rollBack(engine: Docker, id: string, before: readonly ServiceView[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const service = (await engine.getService(id).inspect()) as Docker.Service & { readonly PreviousSpec?: unknown }
    const was = before.find((candidate) => candidate.id === id)
    const isBack = service.Spec?.Labels?.[LABELS.deployed] === was?.labels[LABELS.deployed]
    if (isBack || service.PreviousSpec === undefined) return
    try {
      const query = { version: service.Version?.Index ?? 0, rollback: 'previous' }
      await engine.getService(id).update({ _query: query, _body: service.Spec })
      return
    } catch (error) {
      // The swarm rolled back by itself at this moment, or anything else came first: look again.
      if (attempt >= 5) throw error
    }
  }
}

/** The last lines of the task that failed: the one named, else the newest one of the new version that ended. */
async function failedLines(
  lab: OpenLab,
  engine: Docker,
  service: ServiceView,
  named: TaskView | undefined,
): Promise<string | undefined> {
  const nodes = await listNodes(engine, lab.signal)
  const tasks = (await listTasks(engine, [service.id], nodes, lab.signal))
    .filter((task) => task.containerId !== undefined && (task.state === 'failed' || !isCurrent(task, service, nodes)))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  const task = named?.containerId === undefined ? (tasks.find(({ state }) => state === 'failed') ?? tasks[0]) : named
  return task?.containerId === undefined || task.node === undefined
    ? undefined
    : lastLogLines(lab, task.node, task.containerId)
}

/** Time a service's own health check allows for, before it may call the task unhealthy, for all its tasks in a row. */
function checkPatienceMs(service: ServiceView): number {
  const spec = service.template.ContainerSpec as
    { readonly HealthCheck?: Check; readonly Healthcheck?: Check } | undefined
  const check = spec?.Healthcheck ?? spec?.HealthCheck
  if (check === undefined) return 0
  const nanoseconds =
    (check.StartPeriod ?? 0) + ((check.Interval ?? 0) + (check.Timeout ?? 0)) * Math.max(check.Retries ?? 0, 3)
  return UP_DEADLINE_MS / 2 + (nanoseconds / 1e6) * Math.max(service.replicas ?? 1, 1) * 2
}

interface Check {
  readonly StartPeriod?: number
  readonly Interval?: number
  readonly Timeout?: number
  readonly Retries?: number
}
