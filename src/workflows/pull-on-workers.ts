import type Docker from 'dockerode'
import { imageNames } from '../apps/image-garbage.ts'
import { PullMemory, pullImage } from '../apps/pull-image.ts'
import { registryLogin } from '../apps/push-image.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { listNodes } from '../swarm/nodes.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** A worker that does not hold all images it may be asked to run. */
export interface WorkerLack {
  readonly node: string
  readonly engine: Docker
  readonly missing: readonly string[]
}

/** Has every worker that is there hold the images, so that no task waits for them, nor for the registry, later on. */
export async function pullOnWorkers(lab: OpenLab, references: readonly string[]): Promise<void> {
  await pullLacking(lab, await lackOnWorkers(lab, references))
}

/** Which workers that are there lack which of the images. */
export async function lackOnWorkers(lab: OpenLab, references: readonly string[]): Promise<readonly WorkerLack[]> {
  const { engine: manager } = await lab.manager()
  const ready = (await listNodes(manager, lab.signal)).filter(({ state }) => state === 'ready').map(({ name }) => name)
  const workers = nodesWithRole(lab.spec, 'worker').filter(({ name }) => ready.includes(name))
  const lacks = await Promise.all(
    workers.map(async ({ name: node }): Promise<readonly WorkerLack[]> => {
      try {
        const engine = await lab.engine(node)
        const held = new Set((await engine.listImages({ abortSignal: lab.signal })).flatMap(imageNames))
        return [{ node, engine, missing: references.filter((reference) => !held.has(reference)) }]
      } catch (error) {
        tellUnpulled(lab, node, error)
        return []
      }
    }),
  )
  return lacks.flat().filter(({ missing }) => missing.length > 0)
}

/** Has workers pull what they lack, each at once. One that cannot is told. */
export async function pullLacking(lab: OpenLab, lacks: readonly WorkerLack[]): Promise<void> {
  if (lacks.length === 0) return
  const auth = registryLogin((await lab.site()).registry.password)
  await Promise.all(
    lacks.map(async ({ node, engine, missing }) => {
      try {
        await runTask(
          lab.emit,
          `pull images on ${node}`,
          async (task) => {
            const options = { memory: new PullMemory(), auth, signal: lab.signal, answerMs: 30_000 }
            for (const reference of missing) {
              await pullImage(engine, reference, {
                ...options,
                progress: (line) => {
                  task.progress(line.replace(/@sha256:[0-9a-f]+/, ''))
                },
              })
            }
          },
          { node },
        )
      } catch (error) {
        tellUnpulled(lab, node, error)
      }
    }),
  )
}

/** The node pulls by itself when a task is given to it; only the time for it is lost. */
function tellUnpulled(lab: OpenLab, node: string, error: unknown): void {
  lab.signal.throwIfAborted()
  const message = `${node} did not pull the images yet: ${error instanceof Error ? error.message : String(error)}`
  lab.emit({ type: 'notice', level: 'warning', message })
}
