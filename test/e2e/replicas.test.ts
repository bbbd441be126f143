import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { bookAnswers, missingMessages, startWriter } from './client.ts'
import {
  container,
  docker,
  ensureSample,
  lab,
  labDirectory,
  labDocument,
  labEvents,
  labOk,
  LAUNCHER,
} from './harness.ts'

interface Volume {
  readonly name: string
  readonly owner: string
  readonly epoch: number
  readonly phase: string
  readonly replicas: readonly { readonly node: string; readonly ageMs?: number; readonly snapshot?: string }[]
  readonly copies: readonly { readonly node: string; readonly state: string; readonly snapshots: readonly string[] }[]
}

const WORKERS = ['node1', 'node2', 'node3']
let edge: string
let replica: string
beforeAll(async () => {
  edge = (await ensureSample(1)).edge
})

const inspect = () => labDocument<Volume>(['volume', 'inspect', 'mongo'])
const otherThan = (...nodes: readonly string[]) => WORKERS.find((node) => !nodes.includes(node)) ?? 'node1'

/** Waits until the replica holds what was written before now. */
async function caughtUp(): Promise<Volume> {
  const since = Date.now()
  return waitFor(
    async () => {
      const now = await inspect()
      const [first] = now.replicas
      return first?.ageMs !== undefined && Date.now() - since > first.ageMs + 2000 ? now : undefined
    },
    { deadlineMs: 120_000, what: 'a replica that is younger than this wait' },
  )
}

/** Nodes on which a writable copy of the volume is served. */
async function servingNodes(volume: string): Promise<readonly string[]> {
  const asked = await Promise.all(
    WORKERS.map(async (node) => {
      const served = `mountpoint -q /run/lab/volumes/${volume} && echo yes || true`
      return (await docker('exec', await container(node), 'sh', '-c', served)) === 'yes' ? [node] : []
    }),
  )
  return asked.flat()
}

test('a replica is kept while there are writes, and hooks run in the container around a snapshot', async () => {
  const { owner } = await inspect()
  replica = otherThan(owner)
  await labOk(['volume', 'replicate', 'mongo', '--to', replica, '--every', '1s'])
  const writer = startWriter(edge, `replica ${String(Date.now())}`)
  const kept = await caughtUp()
  const acknowledged = await writer.stop()
  expect(acknowledged.length).toBeGreaterThan(0)
  expect(kept.replicas).toMatchObject([{ node: replica }])
  const hook = (word: string) => `echo ${word} >>/data/db/hooks`
  await labOk(['volume', 'schedule', 'mongo', '--pre', hook('before'), '--post', hook('after')])
  await labOk(['volume', 'snapshot', 'mongo', `hooked-${String(Date.now())}`])
  expect((await labOk(['exec', 'mongo', '--', 'cat', '/data/db/hooks'])).stdout).toMatch(/before\nafter/)
  await labOk(['volume', 'schedule', 'mongo', '--pre', 'echo not now >&2; false'])
  const failed = await lab(['volume', 'snapshot', 'mongo', 'never'])
  expect(failed.exitCode).toBe(1)
  expect(failed.stderr).toContain('not now')
  await labOk(['volume', 'schedule', 'mongo', '--no-hooks'])
})

test('the owner dies: its replica is promoted, also by a command that was killed, and its own copy is an orphan', async () => {
  const before = await inspect()
  const alive = await labEvents(['volume', 'promote', 'mongo', replica, '--accept-loss'])
  expect(alive.last).toMatchObject({ type: 'error', code: 'OWNER_ANSWERS' })
  const writer = startWriter(edge, `promoted ${String(Date.now())}`)
  await caughtUp()
  const acknowledged = await writer.stop()
  await caughtUp()
  await docker('kill', await container(before.owner))
  const refused = await labEvents(['volume', 'promote', 'mongo', replica])
  expect(refused.last).toMatchObject({ type: 'error', code: 'MAY_LOSE_WRITES' })
  expect(await labDocument(['volumes'])).toMatchObject({ volumes: [{ owner: before.owner, phase: 'idle' }] })

  const promote = ['volume', 'promote', 'mongo', replica, '--accept-loss', '--json']
  const killed = execa(LAUNCHER, promote, { cwd: labDirectory(), reject: false, stdin: 'ignore' })
  let ended = false
  void killed.then(() => (ended = true))
  await waitFor(
    async () => {
      const { volumes } = await labDocument<{ volumes: readonly Volume[] }>(['volumes'])
      return ended || volumes.some(({ name, owner }) => name === before.name && owner === replica) ? true : undefined
    },
    { deadlineMs: 120_000, intervalMs: 10, what: 'the record to name the new owner' },
  )
  killed.kill('SIGKILL')
  await killed
  const again = await labEvents(promote.slice(0, -1))
  expect(again.ran.exitCode, again.ran.stdout).toBe(0)
  await bookAnswers(edge)
  expect(await missingMessages(edge, acknowledged)).toEqual([])
  // Only the new owner has this: the old one's copy lacks it, and must not come back with it.
  await labOk(['exec', 'mongo', '--', 'sh', '-c', 'echo new >/data/db/after-promotion'])

  await labOk(['up'])
  const after = await inspect()
  expect(after).toMatchObject({ owner: replica, phase: 'idle' })
  expect(after.epoch).toBeGreaterThan(before.epoch)
  expect(await servingNodes(before.name)).toEqual([replica])
  expect(after.copies.find(({ node }) => node === before.owner)).toMatchObject({ state: 'orphan' })
  const { differences } = await labDocument<{ differences: readonly unknown[] }>([
    ...['volume', 'diff', 'mongo', '--copy', before.owner],
  ])
  expect(differences).toContainEqual({ path: 'after-promotion', only: 'ours' })
  await labOk(['volume', 'destroy', before.name, '--copy', before.owner, '--yes'])
  expect((await inspect()).copies.find(({ state }) => state === 'orphan')).toBeUndefined()
})

test('a watcher promotes the replica of a dead node without being asked', async () => {
  const before = await inspect()
  const [kept] = before.replicas
  expect(kept).toBeDefined()
  await labOk(['volume', 'replicate', 'mongo', '--to', kept?.node ?? '', '--every', '1s', '--auto'])
  expect(await inspect()).toMatchObject({ autoPromote: true })
  const writer = startWriter(edge, `watched ${String(Date.now())}`)
  await caughtUp()
  const acknowledged = await writer.stop()
  await caughtUp()
  const watching = execa(LAUNCHER, ['volume', 'watch', '--after', '5s', '--json'], {
    ...{ cwd: labDirectory(), reject: false, stdin: 'ignore' },
  })
  await docker('kill', await container(before.owner))
  await waitFor(
    async () => {
      const { owner, phase } = await inspect()
      return owner === kept?.node && phase === 'idle' ? true : undefined
    },
    { deadlineMs: 120_000, what: 'the watcher to promote the replica' },
  )
  watching.kill('SIGINT')
  const { exitCode, stdout } = await watching
  expect(exitCode, stdout).toBe(0)
  expect(stdout).toContain('"type":"promoted"')
  await bookAnswers(edge)
  expect(await missingMessages(edge, acknowledged)).toEqual([])
  await labOk(['up'])
  await labOk(['volume', 'destroy', before.name, '--copy', before.owner, '--yes'])
})

test('a replica goes along with a move, and ends', async () => {
  const { name, owner, replicas } = await inspect()
  const [kept] = replicas
  const target = otherThan(owner, kept?.node ?? '')
  await labOk(['move-volume', 'mongo', target])
  expect((await caughtUp()).replicas).toMatchObject([{ node: kept?.node }])
  await labOk(['volume', 'replicate', 'mongo', '--stop'])
  const after = await inspect()
  expect(after.replicas).toEqual([])
  const left = after.copies.flatMap(({ snapshots }) => snapshots).filter((each) => each.startsWith('replica-'))
  expect(left).toEqual([])
  expect(await servingNodes(name)).toEqual([target])
})
