import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { messageTexts, postMessage, startReader } from '../e2e/client.ts'
import { container, docker, lab, labOk, status } from '../e2e/harness.ts'

const ROOT = resolve(import.meta.dirname, '../..')
let cwd: string

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lab-ha-'))
  await cp(join(ROOT, 'examples/ha/lab.yml'), join(cwd, 'lab.yml'))
  await cp(join(ROOT, 'apps'), join(cwd, 'apps'), { recursive: true })
  await labOk(['up'], { cwd, timeoutMs: 1_800_000 })
  await labOk(['deploy', 'apps/mongo', 'apps/nodeapp', 'apps/nginx'], { cwd, timeoutMs: 1_800_000 })
  await labOk(['scale', 'nginx', '3'], { cwd })
  await labOk(['scale', 'nodeapp', '3'], { cwd })
}, 3_600_000)
afterAll(async () => {
  await lab(['destroy', '--yes'], { cwd })
  await rm(cwd, { recursive: true, force: true })
})

test('17 machines: two edges of three and two managers of five are lost, the leader among them, and all goes on', async () => {
  const before = await status({ cwd })
  expect(before.nodes.map(({ state }) => state)).toEqual(Array(17).fill('running'))
  await docker('kill', await container('edge1', cwd))
  await docker('kill', await container('edge3', cwd))
  const client = startReader(before.edge)
  await waitFor(async () => ((await fetch(before.edge)).ok ? true : undefined), { deadlineMs: 10_000, what: 'the URL' })
  expect((await client.stop()).errors).toEqual([])

  const leader = before.nodes.find(({ swarm }) => swarm === 'leader')?.name ?? ''
  const other = before.nodes.find(({ swarm, roles }) => swarm === 'manager' && !roles.includes('build'))?.name ?? ''
  await docker('kill', await container(leader, cwd), await container(other, cwd))
  const mark = `after the leader ${String(Date.now())}`
  await postMessage(before.edge, mark)
  await waitFor(async () => ((await lab(['scale', 'nodeapp', '5'], { cwd })).exitCode === 0 ? true : undefined), {
    deadlineMs: 120_000,
    what: 'the other managers to schedule work',
  })
  expect(await messageTexts(before.edge)).toContain(mark)

  await labOk(['up'], { cwd, timeoutMs: 1_800_000 })
  const after = await status({ cwd })
  expect(after.edge).toBe(before.edge)
  expect(after.nodes.filter(({ swarm }) => swarm === 'leader' || swarm === 'manager')).toHaveLength(5)
  expect((await lab(['plan'], { cwd })).exitCode).toBe(0)
})
