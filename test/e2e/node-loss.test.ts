import { afterEach, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { startReader } from './client.ts'
import { container, docker, ensureSample, labDocument, labOk, status, type Status } from './harness.ts'

/**
 * 6 s is the goal, which `bench/node-loss.ts` measures on a machine that does nothing else. Here another file's lab is at work
 * on the same processors: on two of them, with other work to do, the three nodes took 4.1, 6.4 and 7.1 s.
 */
const LONGEST_MS = 10_000

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(3)).edge
  await labOk(['scale', 'nginx', '3'])
})
afterEach(async () => {
  await labOk(['up'])
})

function running(now: Status, service: string, without: string): number {
  const found = now.services.find(({ name }) => name === service)
  return (found?.tasks ?? []).filter((task) => task.state === 'running' && task.node !== without).length
}

/** When the last task of these services that runs became so, as the swarm has it: asking for it takes longer on a busy machine. */
async function lastStart({ services }: Status, names: readonly string[]): Promise<number> {
  const tasks = services.filter(({ name }) => names.includes(name)).flatMap((service) => service.tasks)
  const ids = tasks.filter(({ state }) => state === 'running').map(({ id }) => id)
  const format = ['--type', 'task', '--format', '{{json .Status.Timestamp}}']
  const times = await docker('exec', await container('mgmt'), 'docker', 'inspect', ...format, ...ids)
  return Math.max(...times.split('\n').map((time) => Date.parse(JSON.parse(time) as string)))
}

/** When a node's power was cut, by the same clock. */
async function death(node: string): Promise<number> {
  return Date.parse(await docker('inspect', '--format', '{{.State.FinishedAt}}', await container(node)))
}

/** The swarm leaves tasks where they are when nodes come back: what died before may have left all of them on one. */
async function spread(): Promise<void> {
  const { services } = await status()
  for (const { name, tasks } of services) {
    const nodes = new Set(tasks.map(({ node }) => node))
    if (tasks.length > 1 && nodes.size === 1) await labOk(['restart', name])
  }
}

test.each(['node1', 'node2', 'node3'])(
  '%s is killed: all replicas run elsewhere in seconds and a client of the edge sees no error',
  async (victim) => {
    const survivor = ['node1', 'node2', 'node3'].find((node) => node !== victim) ?? 'node1'
    await labOk(['move-volume', 'mongo', survivor])
    await labOk(['scale', 'nodeapp', '3'])
    await labOk(['scale', 'nginx', '3'])
    await spread()
    const client = startReader(`${edge}/api/whoami`)
    await docker('kill', await container(victim))
    const asked: number[] = []
    const replaced = await waitFor(
      async () => {
        const at = performance.now()
        const now = await status()
        asked.push(performance.now() - at)
        return running(now, 'nodeapp', victim) === 3 && running(now, 'nginx', victim) === 3 ? now : undefined
      },
      { deadlineMs: 30_000, intervalMs: 50, what: 'three replicas of each elsewhere' },
    )
    const tookMs = (await lastStart(replaced, ['nodeapp', 'nginx'])) - (await death(victim))
    const seen = await client.stop()
    console.log(`${victim} killed: replaced after ${String(Math.round(tookMs))} ms, ${String(seen.requests)} requests`)
    expect(seen.errors).toEqual([])
    expect(tookMs).toBeLessThan(LONGEST_MS)
    expect(Math.max(...asked)).toBeLessThan(8000)
    const now = await status()
    expect(now.nodes.find(({ name }) => name === victim)?.state).toBe('stopped')
  },
)

test('names equal the running tasks again after a node came back', async () => {
  await docker('kill', await container('node2'))
  await labOk(['up'])
  await waitFor(async () => ((await labDocument<{ consistent: boolean }>(['dns'])).consistent ? true : undefined), {
    deadlineMs: 60_000,
    what: 'names to be consistent',
  })
})
