import { PullMemory, pullImage } from '../apps/pull-image.ts'
import { imageExists } from '../apps/trusted-base.ts'
import type { Workshop } from '../apps/workshop.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { listNodes } from '../swarm/nodes.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Has every worker that is there hold the images, so that no task waits for them, nor for the registry, later on. */
export async function pullOnWorkers(lab: OpenLab, shop: Workshop, references: readonly string[]): Promise<void> {
  const { engine } = await lab.manager()
  const ready = (await listNodes(engine, lab.signal)).filter(({ state }) => state === 'ready').map(({ name }) => name)
  const workers = nodesWithRole(lab.spec, 'worker').filter(({ name }) => ready.includes(name))
  await Promise.all(
    workers.map(async ({ name }) => {
      try {
        const worker = await lab.engine(name)
        const there = await Promise.all(references.map((reference) => imageExists(worker, reference)))
        const missing = references.filter((_, index) => there[index] === false)
        if (missing.length === 0) return
        await runTask(
          lab.emit,
          `pull images on ${name}`,
          async (task) => {
            const options = { memory: new PullMemory(), auth: shop.auth, signal: lab.signal, answerMs: 30_000 }
            for (const reference of missing) {
              await pullImage(worker, reference, {
                ...options,
                progress: (line) => {
                  task.progress(line.replace(/@sha256:[0-9a-f]+/, ''))
                },
              })
            }
          },
          { node: name },
        )
      } catch (error) {
        lab.signal.throwIfAborted()
        // The node pulls by itself when a task is given to it; only the time for it is lost.
        const message = `${name} did not pull the images yet: ${error instanceof Error ? error.message : String(error)}`
        lab.emit({ type: 'notice', level: 'warning', message })
      }
    }),
  )
}
