import { beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { bookAnswers, missingMessages, startWriter } from './client.ts'
import {
  container,
  docker,
  ensureSample,
  lab,
  labDocument,
  labEvents,
  labOk,
  LAUNCHER,
  labDirectory,
} from './harness.ts'
import { execa } from 'execa'

interface Volumes {
  readonly volumes: readonly {
    readonly name: string
    readonly owner: string
    readonly epoch: number
    readonly phase: string
    readonly service: string
  }[]
}

const WORKERS = ['node1', 'node2', 'node3']
let edge: string
beforeAll(async () => {
  edge = (await ensureSample(2)).edge
})

async function mongoVolume() {
  const { volumes } = await labDocument<Volumes>(['volumes'])
  const volume = volumes.find(({ service }) => service === 'mongo')
  if (volume === undefined) throw new Error('mongo has no volume')
  return volume
}

/** Nodes on which a writable copy of the volume is served. */
async function servingNodes(volume: string): Promise<readonly string[]> {
  const served = await Promise.all(
    WORKERS.map(async (node) => {
      const text = await docker(
        'exec',
        await container(node),
        'sh',
        '-c',
        `mountpoint -q /run/lab/volumes/${volume} && echo yes || true`,
      )
      return text === 'yes' ? [node] : []
    }),
  )
  return served.flat()
}

function otherThan(owner: string): string {
  return WORKERS.find((node) => node !== owner) ?? 'node1'
}

test('a volume moves under writes: nothing acknowledged is lost, and the figures are printed', async () => {
  const before = await mongoVolume()
  const target = otherThan(before.owner)
  const writer = startWriter(edge, `move ${String(Date.now())}`)
  const { ran, last } = await labEvents(['move-volume', 'mongo', target])
  const acknowledged = await writer.stop()
  expect(ran.exitCode, ran.stdout).toBe(0)
  expect(last).toMatchObject({
    type: 'moved',
    volume: before.name,
    from: before.owner,
    to: target,
    epoch: before.epoch + 1,
  })
  expect(last['rounds']).toBeGreaterThan(0)
  expect(last['bytesSent']).toBeGreaterThan(0)
  expect(last['blackoutMs']).toBeGreaterThan(0)
  expect(acknowledged.length).toBeGreaterThan(10)
  await bookAnswers(edge)
  expect(await missingMessages(edge, acknowledged)).toEqual([])
  expect(await mongoVolume()).toMatchObject({ owner: target, phase: 'idle' })
  expect(await servingNodes(before.name)).toEqual([target])
})

test('moving a volume to where it is already does nothing and is no error', async () => {
  const { name, owner, epoch } = await mongoVolume()
  const { ran } = await labEvents(['move-volume', 'mongo', owner])
  expect(ran.exitCode).toBe(0)
  expect(await mongoVolume()).toMatchObject({ name, owner, epoch })
})

test.each([
  ['an unknown volume', ['move-volume', 'mongoo', 'node2'], 64, /mongo/],
  ['an unknown node', ['move-volume', 'mongo', 'nod2'], 64, /node2/],
  ['a node that runs no apps', ['move-volume', 'mongo', 'mgmt'], 64, /worker|apps/],
])('%s is refused and nothing changes', async (_, args, code, message) => {
  const before = await mongoVolume()
  const ran = await lab(args)
  expect(ran.exitCode).toBe(code)
  expect(ran.stderr).toMatch(message)
  expect(await mongoVolume()).toEqual(before)
})

test('a target that is down is refused at once and nothing changes', async () => {
  const before = await mongoVolume()
  const target = otherThan(before.owner)
  await docker('kill', await container(target))
  try {
    const { ran, last } = await labEvents(['move-volume', 'mongo', target])
    expect(ran.exitCode).toBe(1)
    expect(last.type).toBe('error')
    expect(String(last['message'])).toContain(target)
    expect(await mongoVolume()).toEqual(before)
  } finally {
    await labOk(['up'])
  }
})

test('nodes that do not reach each other are found out before anything is stopped', async () => {
  const before = await mongoVolume()
  const target = otherThan(before.owner)
  await labOk(['node', 'partition', target, '--from', before.owner])
  try {
    const { ran, events, last } = await labEvents(['move-volume', 'mongo', target])
    expect(ran.exitCode).toBe(1)
    expect(last).toMatchObject({ type: 'error', code: 'UNREACHABLE' })
    expect(String(last['message'])).toContain(`${before.owner} does not reach ${target}`)
    expect(events.filter(({ title }) => String(title).startsWith('stop '))).toEqual([])
    expect(await mongoVolume()).toEqual(before)
  } finally {
    await labOk(['node', 'heal', target])
  }
})

test.each(['precopy', 'quiesce', 'final', 'flip', 'demote', 'start'])(
  'a move killed in phase %s is finished or undone by the same command, with every acknowledged write',
  async (phase) => {
    const before = await mongoVolume()
    const target = otherThan(before.owner)
    const writer = startWriter(edge, `killed in ${phase} ${String(Date.now())}`)
    const moving = execa(LAUNCHER, ['move-volume', 'mongo', target, '--json'], {
      cwd: labDirectory(),
      reject: false,
      stdin: 'ignore',
      cleanup: true,
    })
    let ended = false
    void moving.then(() => (ended = true))
    await waitFor(
      async () => {
        if (ended) return 'ended'
        const now = await mongoVolume()
        return now.phase === phase || now.epoch > before.epoch ? now.phase : undefined
      },
      { deadlineMs: 60_000, intervalMs: 10, what: `phase ${phase}` },
    )
    moving.kill('SIGKILL')
    await moving
    const again = await labEvents(['move-volume', 'mongo', target])
    const acknowledged = await writer.stop()
    expect(again.ran.exitCode, again.ran.stdout).toBe(0)
    const after = await mongoVolume()
    expect(after).toMatchObject({ owner: target, phase: 'idle' })
    expect(await servingNodes(after.name)).toEqual([target])
    await bookAnswers(edge)
    expect(await missingMessages(edge, acknowledged)).toEqual([])
  },
)

test('of two moves of one volume at once one wins and the other gets a clear error', async () => {
  const { owner } = await mongoVolume()
  const [one = '', two = ''] = WORKERS.filter((node) => node !== owner)
  const both = await Promise.all([labEvents(['move-volume', 'mongo', one]), labEvents(['move-volume', 'mongo', two])])
  const codes = both.map(({ ran }) => ran.exitCode).sort()
  expect(codes).toEqual([0, 1])
  const loser = both.find(({ ran }) => ran.exitCode === 1)
  expect(loser?.last.type).toBe('error')
  expect(String(loser?.last['message'])).toMatch(/moving|move/)
  const after = await mongoVolume()
  expect(after.phase).toBe('idle')
  expect(await servingNodes(after.name)).toEqual([after.owner])
})
