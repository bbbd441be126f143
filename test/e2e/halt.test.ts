import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { messageTexts, postMessage } from './client.ts'
import { container, docker, ensureSample, lab, labDirectory, labEvents, labOk, status } from './harness.ts'

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(3)).edge
})

test('halt stops everything, status says so, and up brings back addresses, services and data', async () => {
  const mark = `before the night ${String(Date.now())}`
  await postMessage(edge, mark)
  const before = await status()
  await labOk(['halt'])
  const halted = await status()
  expect(halted.nodes.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
  const deploy = await lab(['deploy', 'nodeapp'])
  expect(deploy.exitCode).toBe(1)
  expect(deploy.stderr).toContain('lab up')
  expect((await lab(['plan'])).exitCode).toBe(2)

  const { ran } = await labEvents(['up'])
  expect(ran.exitCode, ran.stdout).toBe(0)
  expect((await fetch(edge)).status).toBe(200)
  const after = await status()
  expect(after.edge).toBe(before.edge)
  expect(after.nodes).toEqual(before.nodes)
  expect(after.services.map(({ name, running }) => ({ name, running }))).toEqual(
    before.services.map(({ name, running }) => ({ name, running })),
  )
  expect(after.volumes.map(({ name, owner }) => ({ name, owner }))).toEqual(
    before.volumes.map(({ name, owner }) => ({ name, owner })),
  )
  const kept = await waitFor(async () => messageTexts(edge).catch(() => undefined), {
    deadlineMs: 30_000,
    what: 'the guest book',
  })
  expect(kept).toContain(mark)
  expect((await labEvents(['up'])).last).toMatchObject({ type: 'recap', changed: 0 })
})

test('nodes that all lost their power at once, as when the engine of the host restarts, come back with up', async () => {
  const mark = `before the cut ${String(Date.now())}`
  await postMessage(edge, mark)
  const before = await status()
  await docker('kill', ...(await Promise.all(before.nodes.map(({ name }) => container(name)))))
  await labOk(['up'])
  expect((await fetch(edge)).status).toBe(200)
  const after = await status()
  expect(after.nodes).toEqual(before.nodes)
  expect(after.services.map(({ name, running }) => ({ name, running }))).toEqual(
    before.services.map(({ name, running }) => ({ name, running })),
  )
  const kept = await waitFor(async () => messageTexts(edge).catch(() => undefined), {
    deadlineMs: 30_000,
    what: 'the guest book',
  })
  expect(kept).toContain(mark)
})

test('halt twice is no error', async () => {
  await labOk(['halt'])
  await labOk(['halt'])
  await labOk(['up'])
})

test('a lab whose .lab/ was lost is taken over again by up', async () => {
  const lost = join(labDirectory(), '.lab')
  await rename(lost, `${lost}.lost`)
  const before = await status()
  await labOk(['up'])
  await rm(`${lost}.lost`, { recursive: true })
  const after = await status()
  expect(after.nodes.map(({ name, address, state }) => ({ name, address, state }))).toEqual(
    before.nodes.map(({ name, address }) => ({ name, address, state: 'running' })),
  )
  await labOk(['deploy', 'nodeapp'])
  expect((await labEvents(['plan'])).ran.exitCode).toBe(0)
})
