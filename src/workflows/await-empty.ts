import { waitFor } from '../model/wait.ts'
import { listNodes, nodeNamed } from '../swarm/nodes.ts'
import { isAlive, listTasks } from '../swarm/tasks.ts'
import type { OpenLab } from './open-lab.ts'

/** Longest that what runs on a node may take to end: Compose files may give their services a minute. */
const EMPTY_MS = 90_000

/** Waits until no task is alive on a node; one that is down says nothing any more, and is not waited for. */
export async function awaitEmpty(open: OpenLab, name: string): Promise<void> {
  const { engine } = await open.manager()
  let left: readonly string[] = []
  await waitFor(
    async () => {
      const nodes = await listNodes(engine, open.signal)
      if (nodeNamed(nodes, name).state !== 'ready') return true
      const tasks = (await listTasks(engine, [], nodes, open.signal)).filter((task) => task.node === name)
      left = tasks.filter((task) => task.serviceId !== '' && isAlive(task)).map(({ id }) => id)
      return left.length === 0 ? true : undefined
    },
    {
      deadlineMs: EMPTY_MS,
      what: `the tasks on ${name} to end`,
      signal: open.signal,
      lastSeen: () => `${String(left.length)} still there`,
    },
  )
}
