import { expect, test } from 'vitest'
import { forecast } from '../../src/volumes/move/forecast.ts'
import { measureMove } from '../../src/volumes/move/measure-move.ts'
import { runMove } from '../../src/volumes/move/run-move.ts'
import { LUCKY } from './fates.ts'
import { ModelCluster } from './model-cluster.ts'

const REPLICA = { volume: 'data', node: 'c', everyMs: 10_000, snapshot: 's', ageMs: 10, bytes: 50, trouble: undefined }

function written(writes = 200): ModelCluster {
  const cluster = new ModelCluster()
  cluster.writeBytes = 1
  for (let count = 0; count < writes; count++) cluster.tick()
  return cluster
}

const measure = (cluster: ModelCluster, to: string) => measureMove(cluster.context(LUCKY), cluster.record.record, to)

test('what a volume would send is told before it moves, and nothing is changed by that', async () => {
  const cluster = written()
  const { record, node } = { record: cluster.record, node: structuredClone(cluster.node('a').snapshots) }
  const measures = await measure(cluster, 'b')
  expect(measures).toMatchObject({ since: undefined, sent: undefined, written: { bytesPerSecond: 1 } })
  expect(cluster.record).toEqual(record)
  expect([cluster.node('a').snapshots, cluster.node('b').snapshots]).toEqual([node, []])
  expect(cluster.running).toBe('a')

  const foreseen = forecast({
    firstBytes: measures.firstBytes,
    incremental: measures.since !== undefined,
    writtenPerSecond: measures.written.bytesPerSecond,
    sentPerSecond: 1000,
    restartMs: 3000,
    restartIsKnown: true,
    maxPauseMs: undefined,
  })
  const figures = { rounds: 0, bytesSent: 0 }
  await runMove(cluster.context(LUCKY), cluster.open('b', 'aaaaaa'), 'finish', figures)
  expect(figures.bytesSent / foreseen.bytes).toBeGreaterThan(0.5)
  expect(figures.bytesSent / foreseen.bytes).toBeLessThan(2)
})

test('what the target has already is not counted', async () => {
  const cluster = written()
  await runMove(cluster.context(LUCKY), cluster.open('b', 'aaaaaa'), 'finish', { rounds: 0, bytesSent: 0 })
  for (let count = 0; count < 10; count++) cluster.tick()
  const measures = await measure(cluster, 'a')
  expect(measures.since).toBe('move-1-final')
  expect(measures.firstBytes).toBeLessThan(40)
  expect((await measure(cluster, 'c')).firstBytes).toBeGreaterThan(200)
})

test('how much is written is what a replica had to send, when that was an increment that went well', async () => {
  const cluster = written()
  const policy = { replicas: [{ node: 'c', everyMs: 10_000 }], keep: {}, hooks: {} }
  cluster.record = { ...cluster.record, record: { ...cluster.record.record, policy } }
  const rate = async () => (await measure(cluster, 'b')).written
  for (const says of [
    { whole: true },
    { whole: false, trouble: 'does not answer' },
    { whole: false, volume: 'other' },
  ]) {
    cluster.replicas = [{ ...REPLICA, ...says }]
    expect(await rate()).toMatchObject({ bytesPerSecond: 1, from: '3.0 s of measuring on a' })
  }
  cluster.replicas = [{ ...REPLICA, whole: false }]
  expect(await rate()).toEqual({ bytesPerSecond: 5, from: 'the last round of the replica on c' })
})
