import { expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import type { NodeVolumes, StoredRecord } from '../../src/model/volume.ts'
import { makeVolume, recordVolume } from '../../src/workflows/volume-life.ts'
import type { LabVolumes } from '../../src/workflows/volume-nodes.ts'
import { sharedPair } from '../volumes/pool-nodes.ts'

const shared = sharedPair('btrfs')
const { onSource } = shared
const state = async (node: NodeVolumes) => (await node.state()).find(({ name }) => name === shared.volume)
const live = () => `${NODE_PATHS.pool}/live/${shared.volume}`

/** The real nodes, with records that are kept here. */
function volumes(): LabVolumes {
  let kept: StoredRecord | undefined
  const unused = () => Promise.reject(new Error('making a volume does not use this'))
  const keep = (record: StoredRecord['record'], version: number) =>
    Promise.resolve((kept = { record, id: 'r', version }))
  return {
    records: {
      list: () => Promise.resolve(kept === undefined ? [] : [kept]),
      create: (record) => keep(record, 1),
      replace: (stored, next) => keep(next, stored.version + 1),
      remove: unused,
    },
    scheduler: { placed: unused, place: () => Promise.resolve(), service: unused, waitServing: unused },
    workers: ['node1', 'node2'],
    node: (name) => Promise.resolve(name === 'node1' ? shared.source : shared.target),
    engine: unused,
    reconnect: unused,
    withLock: unused,
  }
}

const record = (lab: LabVolumes) =>
  recordVolume(lab, [], { name: shared.volume, app: '', service: '', limitBytes: undefined, owner: 'node1' })

test('a volume of a new name is served under the first epoch', async () => {
  await shared.source.driver.destroy(shared.volume)
  const lab = volumes()
  const { record: made } = await makeVolume(lab, await record(lab))
  expect(made).toMatchObject({ epoch: 1, owner: 'node1' })
  expect(await state(shared.source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 1, snapshots: [] })
})

test('a volume whose namesake was destroyed while nodes were down is served under an epoch that none of them knows', async () => {
  await shared.source.fence(shared.volume, 7, 5)
  await shared.source.driver.destroy(shared.volume)
  await shared.target.fence(shared.volume, 9, 5)
  const lab = volumes()
  const recorded = await record(lab)
  expect((await makeVolume(lab, recorded)).record.epoch).toBe(10)
  expect(await state(shared.source)).toMatchObject({ served: true, leaseEpoch: 10, fencedEpoch: 7 })
  // Cut off before the record said so, it is made again.
  expect((await makeVolume(lab, recorded)).record.epoch).toBe(11)
  expect(await state(shared.source)).toMatchObject({ served: true, leaseEpoch: 11 })
})

test('what its node has of the namesake is not in it, and is kept as an orphan', async () => {
  await shared.source.grant(shared.volume, 6)
  await onSource(`echo old >${live()}/file`)
  const lab = volumes()
  expect((await makeVolume(lab, await record(lab))).record.epoch).toBe(7)
  expect(await onSource(`ls ${live()}`)).toBe('')
  expect(await state(shared.source)).toMatchObject({ served: true, leaseEpoch: 7, snapshots: [{ name: 'orphan-6' }] })
  expect(await onSource(`cat ${NODE_PATHS.pool}/snap/${shared.volume}/orphan-6/file`)).toBe('old')
  await expect(record(lab)).rejects.toMatchObject({ code: 'VOLUME_EXISTS' })
  expect(await state(shared.source)).toMatchObject({ served: true, leaseEpoch: 7 })
})
