import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { planFaults, type ChaosShape } from '../../src/chaos/schedule.ts'
import type { FaultKind } from '../../src/model/fault.ts'
import { waitFor } from '../../src/model/wait.ts'
import {
  ensureSample,
  lab,
  labDirectory,
  labEvents,
  labOk,
  LAUNCHER,
  status,
  type Event,
  type Status,
} from './harness.ts'

beforeAll(async () => {
  await ensureSample(3)
  await labOk(['scale', 'nginx', '3'])
})

const notes = async () => ((await status()) as Status & { readonly notes: readonly string[] }).notes
const nothingWrong = () => {
  let last: readonly string[] = []
  const look = async () => ((last = await notes()).length === 0 ? true : undefined)
  return waitFor(look, { deadlineMs: 60_000, what: 'status to find nothing wrong', lastSeen: () => last.join('; ') })
}
const ofType = (events: readonly Event[], type: string) => events.filter((event) => event.type === type)
const seenIn = (events: readonly Event[], kind: string) =>
  ofType(events, 'fault-seen').flatMap((event) => (event['fault'] === kind ? (event['seen'] as string[]) : []))

/** The seed under which one kind of fault strikes one node first. */
async function seedFor(kind: FaultKind, node: string): Promise<number> {
  const nodes = (await status()).nodes as ChaosShape['nodes']
  const shape = { nodes, watchedEdge: 'mgmt', canKill: true, canPause: true }
  const strikes = (seed: number) => planFaults(shape, { seed, forMs: 1000, kinds: [kind] })[0]
  return Array.from({ length: 1000 }, (_, seed) => seed).find((seed) => strikes(seed)?.node === node) ?? -1
}

/** Requests that the client of chaos makes in a second. */
const A_SECOND_OF = 20

const SAYS: readonly (readonly [FaultKind, RegExp | undefined])[] = [
  ['fill', /pool of volumes on node\d is full: \d+ MiB left/],
  ['engine', undefined],
  ['sshd', /runs and does not answer.*ssh/],
]

test.each(SAYS)('%s: named, healed by itself; URL, data, names and logs are as before', async (kind, says) => {
  const now = await status()
  const owner = now.volumes.find(({ name }) => name === 'mongo-data')?.owner ?? ''
  const seed = String(await seedFor(kind, owner))
  const { ran, events } = await labEvents(['chaos', '--for', '1s', '--seed', seed, '--faults', kind])
  expect(ofType(events, 'fault'), ran.stdout).toMatchObject([{ fault: kind, node: owner }])
  expect(ofType(events, 'fault-healed'), ran.stdout).toMatchObject([{ fault: kind, node: owner }])
  if (says !== undefined) expect(seenIn(events, kind).join('\n')).toMatch(says)
  const outcome = ofType(events, 'chaos')[0]
  expect(outcome, ran.stdout).toMatchObject({ faults: 1, volumes: ['mongo-data'] })
  expect(outcome?.['acknowledged']).toBeGreaterThan(0)
  const violations = outcome?.['violations'] as readonly string[]
  // None is for machines that do nothing else: where tests share one, health checks and clients run out of time too.
  const isBusyMachine = (text: string) => text.includes('requests failed though') && Number.parseInt(text) < A_SECOND_OF
  expect(violations.filter((text) => !isBusyMachine(text))).toEqual([])
  expect(ran.exitCode).toBe(violations.length === 0 ? 0 : 1)
  const asked = `/api/whoami?after-${kind}-${String(Date.now())}`
  await fetch(`${now.edge}${asked}`)
  const logged = async () =>
    (await lab(['logs', 'nodeapp', '--lines', '200'])).stdout.includes(asked) ? true : undefined
  await waitFor(logged, { deadlineMs: 30_000, what: `the request after "${kind}" in the central log` })
  await nothingWrong()
})

test('Ctrl-C ends a fault and heals it', async () => {
  const chaos = execa(LAUNCHER, ['chaos', '--faults', 'cut', '--json'], { cwd: labDirectory(), reject: false })
  let told = ''
  for await (const line of chaos.iterable()) {
    told += `${line}\n`
    if ((JSON.parse(line) as Event).type === 'fault') chaos.kill('SIGINT')
  }
  expect((await chaos).exitCode, told).toBe(130)
  const events = told
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
  expect(ofType(events, 'fault-healed')).toHaveLength(1)
  expect(events.at(-1)).toMatchObject({ type: 'error', code: 'INTERRUPTED' })
  expect(events.at(-1)?.['hint']).toContain('everything is healed')
  await nothingWrong()
})

test('a lab that is not whole is not broken further, and what it would not survive is refused', async () => {
  const refused = await lab(['chaos', '--faults', 'leader,nonsense'])
  expect(refused.exitCode).toBe(64)
  expect(refused.stderr).toContain('unknown fault "nonsense"')
  const leader = await lab(['chaos', '--faults', 'leader'])
  expect(leader.exitCode).toBe(64)
  expect(leader.stderr).toContain('three managers')
  await labOk(['node', 'drain', 'node3'])
  try {
    const drained = await labEvents(['chaos', '--for', '10s'])
    expect(drained.ran.exitCode).toBe(1)
    expect(drained.last).toMatchObject({ type: 'error', code: 'NOT_WHOLE' })
    expect(drained.last['message']).toContain('node3 is drained')
    expect(ofType(drained.events, 'fault')).toEqual([])
  } finally {
    await labOk(['node', 'activate', 'node3'])
  }
})
