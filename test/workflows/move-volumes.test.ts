import { expect, test } from 'vitest'
import type { MovePhase, VolumeRecord } from '../../src/model/volume.ts'
import { isAt, planEvacuation } from '../../src/workflows/move-volumes.ts'
import { idleRecord } from '../volumes/idle-record.ts'

const record = (name: string, owner: string) => idleRecord({ name, owner })

test('a node is emptied to those with the fewest volumes, counting what is on its way', () => {
  const records = [record('a', 'n2'), record('b', 'n2'), record('c', 'n2'), record('d', 'n1'), record('e', 'n1')]
  expect(planEvacuation('n2', ['n1', 'n2', 'n3'], records)).toEqual([
    { volume: 'a', to: 'n3' },
    { volume: 'b', to: 'n3' },
    { volume: 'c', to: 'n1' },
  ])
  expect(planEvacuation('n3', ['n1', 'n2', 'n3'], records)).toEqual([])
})

const WORKERS = ['n1', 'n2', 'n3']
const moving = (owner: string, phase: MovePhase, source: string, target: string) =>
  idleRecord({
    name: 'v',
    owner,
    phase,
    move: { id: 1, run: 'aaaaaa', source, target, startedAt: '2026-01-01T00:00:00Z' },
  })

test.each<[string, VolumeRecord, readonly string[]]>([
  ['gone on with before its flip', moving('n2', 'final', 'n2', 'n3'), ['n3']],
  ['finished after it, though another node owns the volume by then', moving('n3', 'flip', 'n2', 'n3'), ['n3']],
  ['undone, if it would have come here', moving('n1', 'precopy', 'n1', 'n2'), ['n1']],
  ['finished and moved on, if it has come here', moving('n2', 'start', 'n1', 'n2'), ['n1']],
  ['put back first, where its target takes nothing', moving('n2', 'quiesce', 'n2', 'n9'), ['n2', 'n1']],
])('of a node that is emptied, a move that was cut off is %s', (_, cutOff, way) => {
  expect(planEvacuation('n2', WORKERS, [cutOff]).map(({ to }) => to)).toEqual(way)
  expect(isAt(cutOff, 'n2')).toBe(true)
})

test('moves between other nodes are not touched', () => {
  const elsewhere = moving('n1', 'flip', 'n3', 'n1')
  expect(planEvacuation('n2', WORKERS, [elsewhere])).toEqual([])
  expect(isAt(elsewhere, 'n2')).toBe(false)
})
