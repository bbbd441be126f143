import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, lab, labOk, status } from '../e2e/harness.ts'

const LAB_YML = `name: quorum
nodes:
  - { name: m1, roles: [manager, build, edge] }
  - { name: m, roles: [manager], count: 2, start: 2 }
  - { name: w1, roles: [worker, registry, logs] }
volumes: { poolSize: 1GiB }
`
let cwd: string

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lab-quorum-'))
  await writeFile(join(cwd, 'lab.yml'), LAB_YML)
  await labOk(['up'], { cwd })
})
afterAll(async () => {
  await lab(['destroy', '--yes'], { cwd })
  await rm(cwd, { recursive: true, force: true })
})

const parts = async () => (await status({ cwd })).nodes.map(({ name, swarm }) => `${name} ${swarm}`).sort()
const isWhole = (now: readonly string[]) =>
  now.length === 4 && now.filter((each) => / (leader|manager)$/.test(each)).length === 3 && now.includes('w1 worker')

test('a manager whose machine is lost for good is replaced, and the other two agree all the while', async () => {
  await docker('rm', '-f', await container('m3', cwd))
  await waitFor(async () => ((await parts()).includes('m3 down') ? true : undefined), {
    deadlineMs: 60_000,
    what: 'the others to miss m3',
  })
  await labOk(['node', 'replace', 'm3', '--yes'], { cwd })
  expect(await parts()).toSatisfy(isWhole)
  expect((await lab(['plan'], { cwd })).exitCode).toBe(0)
})

test('a living manager stays while the others could not do without it, and the dead one is named', async () => {
  await docker('kill', await container('m3', cwd))
  const refused = await lab(['node', 'replace', 'm2', '--yes'], { cwd })
  expect(refused.exitCode).toBe(1)
  expect(refused.stderr).toContain('without m2 the managers would have no majority: m3 does not answer')
  expect(refused.stderr).toContain('lab node replace m3')
  expect((await status({ cwd })).nodes.find(({ name }) => name === 'm2')).toMatchObject({ state: 'running' })
  expect(await parts()).not.toContain('m2 drained')
  await labOk(['node', 'start', 'm3'], { cwd })
})

test('the manager that leads is replaced: another one leads on', async () => {
  await waitFor(async () => (isWhole(await parts()) ? true : undefined), { deadlineMs: 60_000, what: 'all to be back' })
  const leader = (await parts()).find((each) => each.endsWith(' leader'))?.split(' ')[0] ?? ''
  await labOk(['node', 'replace', leader, '--yes'], { cwd })
  expect(await parts()).toSatisfy(isWhole)
  expect(await parts()).not.toContain(`${leader} leader`)
  expect((await lab(['plan'], { cwd })).exitCode).toBe(0)
})

test('a majority that is lost for good is given up for the one manager that is left, and made anew', async () => {
  const whole = await lab(['node', 'recover-quorum', '--yes'], { cwd })
  expect(whole.exitCode).toBe(1)
  expect(whole.stderr).toContain('have their majority')
  await docker('rm', '-f', await container('m2', cwd), await container('m3', cwd))
  // The leader goes on for a moment before it notices that nobody agrees any more.
  await waitFor(async () => ((await lab(['node', 'recover-quorum'], { cwd })).exitCode === 64 ? true : undefined), {
    deadlineMs: 120_000,
    what: 'the majority to be missed',
  })
  await labOk(['node', 'recover-quorum', '--yes'], { cwd })
  expect(await parts()).toSatisfy(isWhole)
  expect((await lab(['plan'], { cwd })).exitCode).toBe(0)
})
