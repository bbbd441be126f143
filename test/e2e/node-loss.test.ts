import { afterEach, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { startReader } from './client.ts'
import { container, docker, ensureSample, labDocument, labOk, status, type Status } from './harness.ts'

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
    const killedAt = performance.now()
    const asked: number[] = []
    await waitFor(
      async () => {
        const at = performance.now()
        const now = await status()
        asked.push(performance.now() - at)
        return running(now, 'nodeapp', victim) === 3 && running(now, 'nginx', victim) === 3 ? true : undefined
      },
      { deadlineMs: 30_000, intervalMs: 50, what: 'three replicas of each elsewhere' },
    )
    const tookMs = performance.now() - killedAt
    const seen = await client.stop()
    console.log(`${victim} killed: replaced after ${String(Math.round(tookMs))} ms, ${String(seen.requests)} requests`)
    expect(seen.errors).toEqual([])
    expect(tookMs).toBeLessThan(15_000)
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
