import { describe, expect, test } from 'vitest'
import { runMove } from '../../src/volumes/move/run-move.ts'
import { endOf, LUCKY } from './fates.ts'
import { ModelCluster } from './model-cluster.ts'

describe('a promotion', () => {
  /** `a` was powered off with its lease; the record names `b` and the replica that was seen there. */
  function promoting(promotes: string): ModelCluster {
    const cluster = new ModelCluster()
    cluster.tick()
    const content = [...cluster.acknowledged]
    cluster.node('b').snapshots.push({ name: 'replica-20261121-180000', identity: 'x', content })
    cluster.tick()
    cluster.node('a').served = false
    cluster.placed = []
    cluster.tick()
    const move = { id: 1, run: 'aaaaaa', source: 'a', target: 'b', startedAt: '2026-01-01T00:00:00Z', promotes }
    const record = { ...cluster.record.record, owner: 'b', epoch: 2, phase: 'flip' as const, move }
    cluster.record = { ...cluster.record, record }
    return cluster
  }
  const ends = (promotes: string) => {
    const cluster = promoting(promotes)
    const figures = { rounds: 0, bytesSent: 0 }
    const ended = endOf(runMove(cluster.context(LUCKY), cluster.record, 'finish', figures))
    return ended.then((error) => ({ cluster, error }))
  }

  test.each([
    ['what is to be promoted', 'replica-20261121-180000'],
    ['what arrived in its place while the owner still had power', 'replica-20261121-175950'],
  ])('goes on from %s', async (_, promotes) => {
    const { cluster, error } = await ends(promotes)
    expect(error).toBeUndefined()
    expect(cluster.record.record).toMatchObject({ phase: 'idle', owner: 'b', epoch: 2 })
    expect(cluster.served?.slice(0, 2)).toEqual([1, 3])
    expect(cluster.running).toBe('b')
  })

  test('does not go on from what is older', async () => {
    const { cluster, error } = await ends('replica-20261121-180010')
    expect(error).toMatchObject({ code: 'NO_DATA' })
    expect(cluster.record.record.phase).toBe('flip')
  })
})
