import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { container, docker, ensureSample, lab, labDirectory, labEvents, labOk, status } from './harness.ts'

const file = () => join(labDirectory(), 'lab.yml')
beforeAll(async () => {
  await ensureSample(3)
  await copyFile(file(), `${file()}.before`)
})
afterAll(async () => {
  await copyFile(`${file()}.before`, file())
  await labOk(['up', '--yes'])
})

test('a node is added, gets a volume, is kept while it has the only copy, and goes with its volume moved off', async () => {
  const before = await readFile(file(), 'utf8')
  await labOk(['node', 'add', 'node4'])
  expect((await status()).nodes.at(-1)).toMatchObject({ name: 'node4', state: 'running', swarm: 'worker' })
  await labOk(['volume', 'move', 'mongo', '--to-node', 'node4'])

  await labOk(['node', 'kill', 'node4'])
  const kept = await lab(['node', 'rm', 'node4', '--yes'])
  expect(kept.exitCode).toBe(1)
  expect(kept.stderr).toContain('node4 has the data of mongo-data and does not answer')
  expect(await readFile(file(), 'utf8')).toContain('node4')
  await labOk(['node', 'start', 'node4'])

  // Who agrees to one node that goes agrees to no other that lab.yml does not have.
  await writeFile(file(), before.replace(/^nodes:\n/m, '$&  - { name: node5, roles: [worker] }\n'))
  await labOk(['node', 'rm', 'node5', '--yes'])
  expect(await readFile(file(), 'utf8')).not.toContain('node5')
  await writeFile(file(), before)
  const planned = await labEvents(['plan'])
  expect(planned.ran.exitCode).toBe(2)
  expect(planned.events).toContainEqual(
    expect.objectContaining({ type: 'step', node: 'node4', outcome: 'would-change', kind: 'machine' }),
  )
  const asked = await lab(['up'])
  expect(asked.exitCode).toBe(64)
  expect(asked.stderr).toContain('lab up --yes removes node4')
  await labOk(['up', '--yes'])
  const after = await status()
  expect(after.nodes.map(({ name }) => name)).toEqual(['mgmt', 'node1', 'node2', 'node3'])
  expect(after.volumes[0]?.owner).not.toBe('node4')
  expect(after.services.every(({ desired, running }) => desired === running)).toBe(true)
  expect((await lab(['plan'])).exitCode).toBe(0)
})

test('a node is replaced with its volume moved off, and nothing of it is destroyed where that is refused', async () => {
  const before = await readFile(file(), 'utf8')
  await labOk(['volume', 'move', 'mongo', '--to-node', 'node3'])
  const machine = () => container('node3').then((id) => docker('inspect', '-f', '{{.Id}}', id))
  const former = await machine()
  const manager = await container('mgmt')
  // What runs there goes on, which is quicker than to drain them.
  const takeTasks = async (availability: 'pause' | 'active') => {
    for (const node of ['node1', 'node2'])
      await docker('exec', manager, 'docker', 'node', 'update', '--availability', availability, node)
  }
  await writeFile(file(), before.replace(/^subnet: .*$/m, 'subnet: 10.9.9.0/24'))
  for (const command of ['replace', 'rm']) {
    const { last } = await labEvents(['node', command, 'node3', '--yes'])
    expect(last).toMatchObject({ type: 'error', code: 'CHANGE_REFUSED' })
  }
  expect(await readFile(file(), 'utf8')).toContain('subnet: 10.9.9.0/24\n')
  await writeFile(file(), before)
  await takeTasks('pause')
  const nowhere = await labEvents(['node', 'rm', 'node3', '--yes'])
  expect(nowhere.last).toMatchObject({ code: 'NO_TARGET', hint: 'lab node activate node1; or lab node activate node2' })
  expect(await readFile(file(), 'utf8')).toBe(before)
  await takeTasks('active')
  expect(await machine()).toBe(former)

  await labOk(['node', 'replace', 'node3', '--yes'])
  expect(await machine()).not.toBe(former)
  const after = await status()
  expect(after.volumes[0]?.owner).toMatch(/^node[12]$/)
  expect(after.nodes.at(-1)).toMatchObject({ name: 'node3', state: 'running', swarm: 'worker' })
  expect(after.services.every(({ desired, running }) => desired === running)).toBe(true)
  expect((await lab(['plan'])).exitCode).toBe(0)
})

test('what cannot be done to a lab that lives is refused with what to type, and nothing is changed', async () => {
  const before = await readFile(file(), 'utf8')
  try {
    await writeFile(file(), before.replace(/^subnet: .*$/m, 'subnet: 10.9.9.0/24'))
    const { last, ran } = await labEvents(['up'])
    expect(ran.exitCode).toBe(64)
    expect(last).toMatchObject({ type: 'error', code: 'CHANGE_REFUSED' })
    await writeFile(file(), before.replace(/^name: .*$/m, 'name: renamed'))
    expect((await labEvents(['up'])).last).toMatchObject({ code: 'CHANGE_REFUSED' })
    // The swarm would be lost with its only manager.
    await writeFile(
      file(),
      before
        .replace('roles: [manager, build, edge]', 'roles: [build, edge]')
        .replace('roles: [worker, registry, logs]', 'roles: [manager, worker, registry, logs]'),
    )
    const exchanged = await labEvents(['up'])
    expect(exchanged.last).toMatchObject({ code: 'CHANGE_REFUSED' })
    expect(exchanged.last['hint']).toContain('give mgmt the role "manager" back')
  } finally {
    await writeFile(file(), before)
  }
  expect((await labEvents(['up'])).last).toMatchObject({ type: 'recap', failed: 0 })
})

test('of a lab that is off nothing is lost either: it is asked first, and what cannot be done is refused', async () => {
  const before = await readFile(file(), 'utf8')
  const { services } = await status()
  try {
    await labOk(['halt'])
    const boss = 'nodes:\n  - { name: boss, roles: [manager] }'
    await writeFile(
      file(),
      before.replace(/^nodes:$/m, boss).replace('roles: [manager, build, edge]', 'roles: [build, edge]'),
    )
    // Whether it is noted who managed, or the machines have to be asked.
    for (const lost of [[], ['applied']]) {
      for (const name of lost) await rm(join(labDirectory(), '.lab', name))
      const { last, ran } = await labEvents(['up'])
      expect(ran.exitCode).toBe(64)
      expect(last).toMatchObject({ code: 'CHANGE_REFUSED' })
      expect(last['hint']).toContain('give mgmt the role "manager" back')
    }
    expect((await status()).nodes.find(({ name }) => name === 'boss')?.state).toBe('missing')
    await labOk(['halt'])
    await writeFile(file(), before.replace('count: 2', 'count: 1'))
    await labOk(['up', '--yes'])
    expect((await status()).nodes.map(({ name }) => name)).toEqual(['mgmt', 'node1', 'node2'])
  } finally {
    await writeFile(file(), before)
  }
  await labOk(['up'])
  expect((await status()).services.map(({ name }) => name)).toEqual(services.map(({ name }) => name))
})

test.each([
  ['--limit', 'nope', /unknown node or group "nope"/],
  ['--tags', 'nope', /unknown tag "nope"/],
])('%s with a name that is not there is refused before anything is done', async (option, name, said) => {
  const { last, ran, events } = await labEvents(['up', option, name])
  expect(ran.exitCode).toBe(64)
  expect(String(last['message'])).toMatch(said)
  expect(events.filter(({ type }) => type === 'task-started')).toEqual([])
})
