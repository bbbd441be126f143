import { LabError } from '../model/errors.ts'
import { nodesWithRole, type LabSpec } from '../model/lab-spec.ts'
import { waitFor } from '../model/wait.ts'
import { deploy } from './deploy.ts'
import { moveVolume } from './move-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { scale } from './scale.ts'
import { statusDocument } from './status.ts'
import { runTask } from './task.ts'
import { up } from './up.ts'

/** The sample, in the order it is deployed: each needs the one before. */
const SAMPLE = ['mongo', 'nodeapp', 'nginx'] as const
const REPLICAS = 3
/** Longest that the first answer through the edge may take once everything is healthy. */
const FIRST_ANSWER_MS = 20_000

/**
 * The main job from nothing: bring the lab up, deploy the sample, scale it, write and read through the edge, move the
 * data to another node and find it again. Every step is a command of its own, and is told as one.
 */
export async function demo(open: OpenLab): Promise<void> {
  const started = performance.now()
  const steps: { readonly title: string; readonly durationMs: number }[] = []
  const step = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    open.signal.throwIfAborted()
    if (title.startsWith('lab '))
      open.emit({ type: 'run-started', command: title.slice(4), lab: open.lab.id, at: new Date().toISOString() })
    const begun = performance.now()
    const result = await work()
    steps.push({ title, durationMs: Math.round(performance.now() - begun) })
    return result
  }

  await step('lab up', async () => {
    const { failed, errors } = await up(open)
    if (failed > 0) throw errors[0] ?? new LabError('STEPS_FAILED', `${String(failed)} nodes failed`)
  })
  for (const app of SAMPLE) await step(`lab deploy ${app}`, () => deploy(open, { app, build: true, set: {} }))
  await step(`lab scale nodeapp ${String(REPLICAS)}`, () => scale(open, { service: 'nodeapp', replicas: REPLICAS }))
  const { edge, volumes } = await statusDocument(open)
  if (edge === undefined)
    throw new LabError('NO_EDGE', 'the edge is not published on this host', { hint: 'lab doctor' })

  const text = `written by lab demo at ${new Date().toISOString()}`
  const id = await step('write and read through nginx', () =>
    runTask(open.emit, `write to the guest book at ${edge}`, () => writeMessage(edge, text, open.signal)),
  )
  const owner = volumes.find(({ app }) => app === 'mongo')?.owner
  const target = moveTarget(open.spec, owner)
  if (target === undefined)
    open.emit({ type: 'notice', level: 'info', message: 'there is one worker only: no other node to move the data to' })
  else {
    await step(`lab move-volume mongo ${target}`, () => moveVolume(open, { volume: 'mongo', to: target }))
    await step('read again after the move', () =>
      runTask(open.emit, `find what was written, now on ${target}`, () => findMessage(edge, id, open.signal)),
    )
  }

  const durationMs = Math.round(performance.now() - started)
  open.emit({ type: 'summary', steps, url: edge, durationMs })
  const message = 'the sample runs; next: lab status, lab logs nodeapp -f, lab ssh node1, lab destroy'
  open.emit({ type: 'done', command: 'demo', message, durationMs })
}

/** node3 as in the classic lab, else the last worker; never where the data is already. */
export function moveTarget(spec: Pick<LabSpec, 'nodes'>, owner: string | undefined): string | undefined {
  const workers = nodesWithRole(spec, 'worker').map(({ name }) => name)
  const others = workers.filter((name) => name !== owner)
  return others.includes('node3') ? 'node3' : others.at(-1)
}

async function writeMessage(edge: string, text: string, signal: AbortSignal): Promise<string> {
  const written = await answer(signal, `${edge}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  })
  const { id } = written as { readonly id?: unknown }
  if (typeof id !== 'string')
    throw new LabError('BAD_ANSWER', `the app answered without an id: ${JSON.stringify(written)}`)
  await findMessage(edge, id, signal)
  return id
}

async function findMessage(edge: string, id: string, signal: AbortSignal): Promise<void> {
  const url = `${edge}/api/messages?limit=1000`
  const { messages = [] } = (await answer(signal, url)) as { readonly messages?: readonly { readonly id: string }[] }
  if (messages.some((message) => message.id === id)) return
  throw new LabError('DATA_LOST', `what was written (message ${id}) is not among what was read`, { where: url })
}

/** The JSON an address answers with, once it does. */
async function answer(signal: AbortSignal, url: string, request: RequestInit = {}): Promise<unknown> {
  let last = 'nothing'
  return waitFor(
    async () => {
      try {
        const response = await fetch(url, { ...request, signal })
        if (response.ok) return await response.json()
        last = `status ${String(response.status)}: ${(await response.text()).slice(0, 200)}`
      } catch (error) {
        signal.throwIfAborted()
        last = error instanceof Error ? error.message : String(error)
      }
      return undefined
    },
    { deadlineMs: FIRST_ANSWER_MS, signal, what: `an answer of ${url}`, lastSeen: () => last },
  )
}
