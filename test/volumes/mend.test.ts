import { expect, test } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import type { NodeVolume, NodeVolumes, VolumeRecord } from '../../src/model/volume.ts'
import { mendVolumes } from '../../src/volumes/mend.ts'
import { absentVolume } from '../../src/volumes/node-volumes.ts'
import { idleRecord } from './idle-record.ts'

const RECORD = idleRecord({ owner: 'b', epoch: 6 })
const snapshots = (...names: string[]) => names.map((name) => ({ name, identity: name, createdAt: undefined }))

/** The name under which the former copy on `a` is kept, when `b` owns the volume. */
async function keptAs(former: Partial<NodeVolume>, owners: readonly string[]): Promise<string | undefined> {
  let kept: string | undefined
  const node = (name: string, volume: NodeVolume) =>
    ({
      node: name,
      state: () => Promise.resolve([volume]),
      driver: { deleteSnapshot: () => Promise.resolve() },
      fence: (_: string, epoch: number) =>
        volume.leaseEpoch > epoch
          ? Promise.reject(new LabError('EPOCH_FENCED', 'served under a newer epoch'))
          : Promise.resolve({ holders: [], snapshot: undefined }),
      retire: (_: string, __: number, snapshot: string) => {
        kept = snapshot
        return Promise.resolve()
      },
    }) as unknown as NodeVolumes
  const owner = { ...absentVolume('data'), live: 'writable' as const, served: true, leaseEpoch: 6 }
  const nodes = [
    node('a', { ...absentVolume('data'), live: 'frozen', ...former }),
    node('b', { ...owner, snapshots: snapshots(...owners) }),
  ]
  await mendVolumes(
    {
      workers: ['a', 'b'],
      node: (name) => Promise.resolve(nodes.find((each) => each.node === name) ?? nodes[0]) as Promise<NodeVolumes>,
      scheduler: { placed: () => Promise.resolve(['b']) } as never,
    },
    [RECORD],
  )
  return kept
}

test('a volume whose removal was cut off is left alone, and named', async () => {
  const given = { ...absentVolume('data'), live: 'frozen' as const, fencedEpoch: 6 }
  const owner = { node: 'b', state: () => Promise.resolve([given]) } as unknown as NodeVolumes
  const context = { workers: ['b'], node: () => Promise.resolve(owner), scheduler: {} as never }
  expect(await mendVolumes(context, [RECORD])).toEqual([expect.stringMatching(/lab volume destroy data" again/)])
})

test('what a node has of a former volume of that name, which was destroyed while it was off, does not stop the rest', async () => {
  const former = { live: 'writable' as const, served: true, leaseEpoch: 9, snapshots: snapshots('monday') }
  expect(await keptAs(former, [])).toBeUndefined()
})

test('what a source gave up for its move is kept as what it handed over', async () => {
  expect(await keptAs({ fencedEpoch: 5, snapshots: snapshots('move-5-final') }, ['move-5-final'])).toBe('move-5-final')
})

test.each([
  ['which has taken a replica since', { fencedEpoch: 5, snapshots: snapshots('replica-1') }, ['replica-1']],
  ['which a move once brought there', { fencedEpoch: 5, snapshots: snapshots('move-4-final') }, ['move-4-final']],
] as const)('a dead owner that is back, %s, keeps what it wrote as an orphan', async (_, former, owners) => {
  expect(await keptAs(former, owners)).toBe('orphan-5')
})

/** What is deleted on `a` and `c`, when `b` owns the volume. */
async function deletedOf(record: VolumeRecord, owner: Partial<NodeVolume> = {}): Promise<readonly string[]> {
  const deleted: string[] = []
  const node = (name: string, volume: Partial<NodeVolume>) =>
    ({
      node: name,
      state: () => Promise.resolve([{ ...absentVolume('data'), ...volume }]),
      tending: { setOrders: () => Promise.resolve() },
      driver: { deleteSnapshot: (_: string, snapshot: string) => Promise.resolve(void deleted.push(name + snapshot)) },
    }) as unknown as NodeVolumes
  const kept = snapshots('replica-1', 'replica-2', 'daily-20261121', 'move-5-final', 'orphan-3')
  const nodes = [
    node('a', { snapshots: kept }),
    node('b', { live: 'writable', served: true, leaseEpoch: 6, snapshots: kept, ...owner }),
    node('c', { snapshots: kept }),
  ]
  const context = {
    workers: ['a', 'b', 'c'],
    node: (name: string) => Promise.resolve(nodes.find((each) => each.node === name) ?? node(name, {})),
    scheduler: { placed: () => Promise.resolve(['b']) } as never,
  }
  await mendVolumes(context, [record]).catch(() => undefined)
  return deleted
}

test('what an ended replica left goes from nodes that are to have none, and nothing else does', async () => {
  const on = (...nodes: string[]) => ({
    policy: { replicas: nodes.map((each) => ({ node: each, everyMs: 1000 })), keep: {}, hooks: {} },
  })
  const [a, c] = [
    ['areplica-1', 'areplica-2'],
    ['creplica-1', 'creplica-2'],
  ]
  expect(await deletedOf({ ...RECORD, ...on('a') })).toEqual(c)
  expect(await deletedOf({ ...RECORD, ...on('a', 'c') })).toEqual([])
  expect(await deletedOf(RECORD)).toEqual([...a, ...c])
  // Without the owner's data they may be all there is.
  expect(await deletedOf(RECORD, { live: 'absent' })).toEqual([])
  expect(await deletedOf({ ...RECORD, owner: 'down' })).toEqual([])
})
