import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { ensureSample, lab, labDocument, labEvents, labOk, status, type Status } from './harness.ts'

beforeAll(() => ensureSample(3))
afterAll(async () => {
  await labOk(['node', 'heal'])
  await labOk(['node', 'activate', 'node1', 'node2', 'node3'])
})

const notes = async () => ((await status()) as Status & { readonly notes: readonly string[] }).notes.join('\n')
const tasksOn = (now: Status, node: string) =>
  now.services.flatMap(({ name, tasks }) => tasks.filter((task) => task.node === node).map(() => name))

test('a drained node is left by apps and volumes, stays drained over up, and takes tasks again', async () => {
  const owner = (await status()).volumes[0]?.owner ?? ''
  await labOk(['node', 'drain', owner, '--evacuate'])
  const drained = await status()
  expect(tasksOn(drained, owner)).toEqual([])
  expect(drained.volumes.every((volume) => volume.owner !== owner)).toBe(true)
  expect(drained.services.every(({ desired, running }) => desired === running)).toBe(true)
  expect(drained.nodes.find(({ name }) => name === owner)?.swarm).toBe('drained')
  expect(await notes()).toContain(`lab node activate ${owner}`)
  expect((await labEvents(['up'])).last).toMatchObject({ type: 'recap', changed: 0, failed: 0 })
  expect((await labDocument<{ consistent: boolean }>(['dns'])).consistent).toBe(true)

  await labOk(['node', 'activate', owner])
  expect(await notes()).toBe('')
  expect((await lab(['plan'])).exitCode).toBe(0)
})

test('a node with the edge, or without apps, is not drained', async () => {
  const refused = await lab(['node', 'drain', 'mgmt'])
  expect(refused.exitCode).toBe(64)
  expect(refused.stderr).toContain('runs no apps')
})

test('a node that is shut down is left by its apps and said to be off, and has its place again once it is started', async () => {
  const off = (await status()).volumes[0]?.owner === 'node3' ? 'node2' : 'node3'
  await labOk(['node', 'stop', off])
  expect((await status()).nodes.find(({ name }) => name === off)?.state).toBe('stopped')
  await waitFor(async () => (tasksOn(await status(), off).length === 0 ? true : undefined), {
    deadlineMs: 30_000,
    what: `the apps to leave ${off}`,
  })
  expect(await notes()).toContain(`lab node start ${off}`)
  await labOk(['node', 'start', off])
  const back = await status()
  expect(back.nodes.find(({ name }) => name === off)).toMatchObject({ state: 'running', swarm: 'worker' })
  expect(back.services.every(({ desired, running }) => desired === running)).toBe(true)
})

test('a node that is cut off is named, left alone by up with what to type, and healed', async () => {
  await labOk(['node', 'partition', 'node3', '--from', 'mgmt,node1'])
  expect(await notes()).toContain('node3 is cut off from mgmt, node1 (lab node heal node3)')
  const without = await labEvents(['up'])
  expect(without.ran.exitCode).toBe(1)
  expect(without.last).toMatchObject({ type: 'error', code: 'UNREACHABLE' })
  expect(without.last['hint']).toContain('lab node heal node3')
  await labOk(['node', 'pause', 'node2'])
  expect(await notes()).toContain('node2 is paused')
  await labOk(['node', 'heal'])
  expect(await notes()).toBe('')
  expect((await labEvents(['up'])).last).toMatchObject({ type: 'recap', failed: 0 })
})
