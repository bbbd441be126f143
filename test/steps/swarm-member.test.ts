import { expect, test } from 'vitest'
import type { SwarmMembership } from '../../src/facts/engine.ts'
import { keptSwarm, type KeptSwarm } from '../../src/facts/kept-swarm.ts'
import type { SwarmAcceptance } from '../../src/facts/swarm-acceptance.ts'
import { LabError } from '../../src/model/errors.ts'
import { FactUnavailable, type ApplyContext, type FactQuery } from '../../src/model/step.ts'
import { swarmMember, type SwarmMemberOptions } from '../../src/steps/swarm-member.ts'
import { engine, membership } from './engine-case.ts'

const managers = [
  { name: 'm1', address: '10.0.0.1' },
  { name: 'm2', address: '10.0.0.2' },
]
const founding = { dataPathPort: 7789, addressPool: '10.99.0.0/16', heartbeatMs: 1000, taskHistory: 2 }
const worker: SwarmMemberOptions = { role: 'worker', address: '10.0.0.9', managers, founding }
const first: SwarmMemberOptions = { ...worker, role: 'manager', address: '10.0.0.1' }
const sole: SwarmMemberOptions = { ...first, managers: managers.slice(0, 1) }
const active = (role: 'manager' | 'worker') => membership({ state: 'active', role })

/** What the step sees and does, where the managers in `tokens` hand out tokens. */
async function run(
  wanted: SwarmMemberOptions,
  swarm: SwarmMembership,
  accepted: SwarmAcceptance = 'member',
  tokens: readonly string[] = [],
  disks: Readonly<Record<string, KeptSwarm | undefined>> = {},
) {
  const step = swarmMember(wanted)
  const facts = new Map<string, unknown>([
    ['engine', engine({ swarm })],
    ...step.queries.slice(1).map(({ key }) => [key, accepted] as const),
  ])
  const changes = step.diff(facts, new Set())
  const context: ApplyContext = {
    node: { name: 'here', roles: [wanted.role], memoryBytes: undefined, cpus: undefined, vars: {} },
    read: <T>(node: string, query: FactQuery<T>) => {
      if (query.key === keptSwarm.key) {
        if (node in disks && disks[node] === undefined)
          return Promise.reject(new LabError('UNREACHABLE', `${node} is off`))
        return Promise.resolve((disks[node] ?? { keeps: false, managers: [] }) as T)
      }
      return tokens.includes(node)
        ? Promise.resolve(`SWMTKN of ${node} by ${query.key}` as T)
        : Promise.reject(new FactUnavailable(`${node} is in no swarm`))
    },
  }
  const commands = changes.length === 0 ? [] : await step.apply(changes, facts, context)
  const bodies = commands.map(({ stdin }) => (typeof stdin === 'string' ? (JSON.parse(stdin) as object) : undefined))
  return { changes, commands, calls: commands.map(({ argv }) => argv.at(-1)), bodies }
}

test('a member in its role is left alone, also while no manager answers', async () => {
  expect((await run(worker, active('worker'))).changes).toEqual([])
  expect((await run(worker, active('worker'), 'no answer')).changes).toEqual([])
})

test('a node outside joins through the first manager that has a token, which never stands in its arguments', async () => {
  const { commands, calls, bodies } = await run(worker, membership(), 'no certificate', ['m2'])
  const token = 'SWMTKN of m2 by join-token worker'
  expect(calls).toEqual(['/swarm/join'])
  expect(bodies[0]).toEqual({
    ListenAddr: '10.0.0.9:2377',
    AdvertiseAddr: '10.0.0.9',
    RemoteAddrs: ['10.0.0.2:2377'],
    JoinToken: token,
  })
  expect(commands[0]?.argv.join(' ')).not.toContain('SWMTKN')
  expect(commands[0]?.secrets).toEqual([token])
})

test('a node that the managers removed, or that is of a swarm no more, leaves it and joins', async () => {
  for (const accepted of ['removed', 'another'] as const) {
    const { changes, calls } = await run(worker, active('worker'), accepted, ['m1'])
    expect(changes).toMatchObject([{ path: 'member', to: 'worker' }])
    expect(calls).toEqual(['/swarm/leave?force=1', '/swarm/join'])
  }
})

test('a node that only has not found its managers yet is waited for, not made to join anew', async () => {
  const { changes, commands } = await run(worker, membership({ state: 'pending', role: 'worker' }), 'member', ['m1'])
  expect(changes).toEqual([{ path: 'state', from: 'pending', to: 'active' }])
  expect(commands[0]?.argv[2]).toContain('LocalNodeState')
})

test('the first manager founds the swarm when no other is in one', async () => {
  const { calls, bodies } = await run(sole, membership(), 'no certificate')
  expect(calls).toEqual(['/swarm/init'])
  expect(bodies[0]).toMatchObject({
    DataPathPort: 7789,
    DefaultAddrPool: ['10.99.0.0/16'],
    Spec: { Dispatcher: { HeartbeatPeriod: 1_000_000_000 }, Orchestration: { TaskHistoryRetentionLimit: 2 } },
  })
})

test('the first manager, made anew, joins the others instead of founding a second swarm', async () => {
  const { calls, bodies } = await run(first, membership(), 'no certificate', ['m2'])
  expect(calls).toEqual(['/swarm/join'])
  expect(bodies[0]).toMatchObject({ JoinToken: 'SWMTKN of m2 by join-token manager' })
})

test('a worker that finds no swarm to join says so', async () => {
  await expect(run(worker, membership(), 'no certificate')).rejects.toMatchObject({ code: 'NO_MANAGER' })
})

test('a sole manager whose swarm does not start is never made to leave it', async () => {
  const broken = membership({ state: 'error', role: 'worker', error: 'cannot listen' })
  await expect(run(sole, broken, 'no answer')).rejects.toMatchObject({ code: 'SWARM_BROKEN' })
})

test('a worker that is to be the only manager is not told to leave the swarm', async () => {
  await expect(run(sole, active('worker'), 'no answer')).rejects.toMatchObject({
    code: 'NO_MANAGER',
    hint: expect.stringContaining('give the role "manager" back') as string,
  })
})

test('no second swarm is founded while another node of the lab has the first, or may have it', async () => {
  const wanted = {
    ...sole,
    nodes: [...managers, { name: 'old', address: '10.0.0.3' }, { name: 'w', address: '10.0.0.4' }],
  }
  const member = { keeps: false, managers: ['10.0.0.3'] }
  const founding = (disks: Readonly<Record<string, KeptSwarm | undefined>>) =>
    run(wanted, membership(), 'no certificate', [], disks)
  const refused = {
    code: 'OTHER_SWARM',
    message: expect.stringContaining('old has the swarm of this lab') as string,
    hint: expect.stringContaining('give old the role "manager" back') as string,
  }
  await expect(founding({ old: { keeps: true, managers: [] } })).rejects.toMatchObject(refused)
  await expect(founding({ old: undefined, w: member })).rejects.toMatchObject(refused)
  // The machine of its manager was made anew, or is gone: what workers remember is of a swarm that is no more.
  expect((await founding({ w: { keeps: false, managers: ['10.0.0.1', '10.0.0.9'] } })).calls).toEqual(['/swarm/init'])
  expect((await founding({ w: member })).calls).toEqual(['/swarm/init'])
  // Nobody says that one which does not answer was a manager: a first lab is made without it.
  expect((await founding({ w: undefined })).calls).toEqual(['/swarm/init'])
})

test('the first manager, made anew while the others have no majority, does not found one beside them', async () => {
  await expect(
    run(first, membership(), 'no certificate', [], { m2: { keeps: true, managers: [] } }),
  ).rejects.toMatchObject({ code: 'OTHER_SWARM', hint: expect.stringContaining('recover-quorum') as string })
})

test('a manager of a swarm of its own is not made to leave it', async () => {
  const second = { ...first, address: '10.0.0.2' }
  await expect(run(second, active('manager'), 'another', ['m1'])).rejects.toMatchObject({ code: 'OTHER_SWARM' })
})

test('a manager that is to be a worker is demoted where it is, and a worker that is to manage joins as manager', async () => {
  const demoted = await run(worker, active('manager'))
  expect(demoted.changes).toEqual([{ path: 'role', from: 'manager', to: 'worker' }])
  expect(demoted.commands[0]?.argv[2]).toContain('docker node demote')
  const second = { ...first, address: '10.0.0.2' }
  expect((await run(second, active('worker'), 'member', ['m1'])).calls).toEqual(['/swarm/leave?force=1', '/swarm/join'])
})
