import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, lab, labOk, status, writeFiles } from './harness.ts'

const LAB_YML = `name: leader
nodes:
  - { name: m1, roles: [manager, build, edge, worker, registry, logs] }
  - { name: m, roles: [manager, worker], count: 2, start: 2 }
volumes: { poolSize: 1GiB }
`
const MANAGERS = ['m1', 'm2', 'm3']
/** The least that the engine waits by itself is 10 s. */
const SOON_MS = 9000
let cwd: string

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lab-leader-'))
  await writeFiles(cwd, { 'lab.yml': LAB_YML })
  await labOk(['up'], { cwd })
})
afterAll(async () => {
  await lab(['destroy', '--yes'], { cwd })
  await rm(cwd, { recursive: true, force: true })
})

const inside = async (node: string, ...args: readonly string[]) => docker('exec', await container(node, cwd), ...args)
const leaderOf = async () => (await status({ cwd })).nodes.find(({ swarm }) => swarm === 'leader')?.name ?? ''

/** Who leads, asked of a manager's own engine. */
async function newLeader(others: readonly string[]): Promise<string> {
  for (const name of others) {
    const leads = await inside(
      name,
      'timeout',
      '1',
      'docker',
      'node',
      'inspect',
      'self',
      '-f',
      '{{.ManagerStatus.Leader}}',
    ).catch(() => '')
    if (leads === 'true') return name
  }
  return ''
}

const soonLed = (others: readonly string[]) =>
  waitFor(async () => (await newLeader(others)) || undefined, {
    deadlineMs: SOON_MS,
    intervalMs: 100,
    what: 'another manager to lead, sooner than the engine itself would see to it',
  })

test('the manager that leads is killed, or its engine: another one leads at once', async () => {
  const first = await leaderOf()
  const others = MANAGERS.filter((name) => name !== first)
  await docker('kill', await container(first, cwd))
  const second = await soonLed(others)
  expect(await inside(second, 'journalctl', '-b', '-u', 'lab-election', '-o', 'cat')).toContain('this one stands')

  await labOk(['up'], { cwd })
  await inside(second, 'systemctl', 'kill', '--signal=KILL', 'docker')
  await soonLed(MANAGERS.filter((name) => name !== second))
  await labOk(['up'], { cwd })
  expect((await status({ cwd })).nodes.map(({ swarm }) => swarm).sort()).toEqual(['leader', 'manager', 'manager'])
})

test('a manager that comes back to a leader does not stand against it, and one that is left alone not at all', async () => {
  const leader = await leaderOf()
  const [follower = '', other = ''] = MANAGERS.filter((name) => name !== leader)
  await inside(follower, 'systemctl', 'restart', 'docker')
  await labOk(['up'], { cwd })
  expect(await leaderOf()).toBe(leader)

  const since = await inside(follower, 'date', '+%F %T')
  const logged = (unit: string, text: string) =>
    inside(follower, 'journalctl', '-u', unit, '-o', 'cat', '--since', since, '-g', text).catch(() => '')
  await docker('kill', await container(leader, cwd), await container(other, cwd))
  await waitFor(async () => ((await logged('docker', 'starting a new election')) === '' ? undefined : true), {
    deadlineMs: 60_000,
    what: 'the engine of the last manager to try it by itself',
  })
  expect(await logged('docker', 'agent: session failed')).not.toBe('')
  expect(await logged('lab-election', 'this one stands')).toBe('')
  await labOk(['up'], { cwd })
  expect((await status({ cwd })).nodes.map(({ swarm }) => swarm).sort()).toEqual(['leader', 'manager', 'manager'])
})

test('all lose their power at once: they elect one as soon as two of them are there', async () => {
  await docker('kill', ...(await Promise.all(MANAGERS.map((name) => container(name, cwd)))))
  await labOk(['up'], { cwd })
  const stood = await Promise.all(
    MANAGERS.map((name) => inside(name, 'journalctl', '-b', '-u', 'lab-election', '-o', 'cat')),
  )
  expect(stood.join('\n')).toContain('this one stands')
  expect((await lab(['plan'], { cwd })).exitCode).toBe(0)
})

test('managers that are none any more hold no elections', async () => {
  await writeFiles(cwd, { 'lab.yml': LAB_YML.replace('roles: [manager, worker]', 'roles: [worker]') })
  await labOk(['up', '--yes'], { cwd })
  for (const name of MANAGERS) {
    const left = await inside(
      name,
      'sh',
      '-c',
      'systemctl is-active lab-election; ls /usr/local/lib/lab /etc/systemd/system',
    ).catch((error: unknown) => String(error))
    expect(left).toContain('inactive')
    expect(left).not.toMatch(/hold-election|lab-election/)
  }
  expect((await lab(['plan'], { cwd })).exitCode).toBe(0)
})
