import { describe, expect, test } from 'vitest'
import type { MovePhase, NodeVolume, VolumeRecord } from '../../src/model/volume.ts'
import { absentVolume } from '../../src/volumes/node-volumes.ts'
import {
  isDisposable,
  nextAction,
  type MoveAction,
  type MoveIntent,
  type MoveObservation,
} from '../../src/volumes/move/next-action.ts'
import { idleRecord } from './idle-record.ts'

const FINAL = { name: 'move-3-final', identity: 'x' }
const granted = { do: 'grant', from: FINAL.name } as const

function record(phase: MovePhase, owner = 'a', epoch = 3): VolumeRecord {
  const move = { id: 3, run: '123456', source: 'a', target: 'b', startedAt: '2026-01-01T00:00:00Z' }
  return idleRecord({ owner, epoch, phase, move: phase === 'idle' ? undefined : move })
}

const node = (state: Partial<NodeVolume>): NodeVolume => ({ ...absentVolume('data'), ...state })
const serving = node({ live: 'writable', served: true, leaseEpoch: 3 })
const serving4 = node({ live: 'writable', served: true, leaseEpoch: 4 })
const fenced = node({ live: 'frozen', fencedEpoch: 3 })
const nothing = node({})
const see = (source: NodeVolume | undefined, target: NodeVolume | undefined, placed: readonly string[] = []) =>
  ({ source, target, placed }) satisfies MoveObservation
const tidy = (observation: MoveObservation): MoveObservation => ({ ...observation, collected: { base: FINAL.name } })

const finish: readonly (readonly [string, VolumeRecord, MoveObservation, MoveAction | undefined])[] = [
  ['nothing is open', record('idle'), see(serving, nothing, ['a']), undefined],
  ['copying has begun', record('precopy'), see(serving, nothing, ['a']), { do: 'precopy' }],
  ['the source is down', record('precopy'), see(undefined, nothing), { do: 'blocked', node: 'a', why: 'unreachable' }],
  ['the target is down', record('precopy'), see(serving, undefined), { do: 'blocked', node: 'b', why: 'unreachable' }],
  ['the label is still there', record('quiesce'), see(serving, nothing, ['a']), { do: 'unplace' }],
  ['the label is gone', record('quiesce'), see(serving, nothing), { do: 'fence' }],
  [
    'the fence was cut off before it froze',
    record('quiesce'),
    see(node({ live: 'writable', fencedEpoch: 3 }), nothing),
    { do: 'fence' },
  ],
  ['the source is fenced', record('quiesce'), see(fenced, nothing), { do: 'advance', to: 'final' }],
  [
    'an older fence counts for nothing',
    record('quiesce'),
    see({ ...fenced, fencedEpoch: 2 }, nothing),
    { do: 'fence' },
  ],
  ['the final snapshot is missing', record('final'), see(fenced, nothing), { do: 'snapshot' }],
  ['the final snapshot was not sent', record('final'), see({ ...fenced, snapshots: [FINAL] }, nothing), { do: 'send' }],
  [
    'what arrived is something else',
    record('final'),
    see({ ...fenced, snapshots: [FINAL] }, node({ snapshots: [{ ...FINAL, identity: 'y' }] })),
    { do: 'send' },
  ],
  [
    'the target has it whole',
    record('final'),
    see({ ...fenced, snapshots: [FINAL] }, node({ snapshots: [FINAL] })),
    { do: 'decide', owner: 'b' },
  ],
  [
    'the target has a live copy of its own',
    record('final'),
    see({ ...fenced, snapshots: [FINAL] }, node({ live: 'writable', snapshots: [FINAL] })),
    { do: 'blocked', node: 'b', why: 'stray-copy' },
  ],
  [
    'the source was not fenced after all',
    record('final'),
    see({ ...serving, snapshots: [FINAL] }, node({ snapshots: [FINAL] })),
    { do: 'fence' },
  ],
  [
    'the data is gone',
    record('final'),
    see({ ...fenced, live: 'absent' }, nothing),
    { do: 'blocked', node: 'a', why: 'no-data' },
  ],
  ['the flip is written', record('flip', 'b', 4), see(fenced, node({ snapshots: [FINAL] })), granted],
  [
    'the copy is there but has no lease',
    record('flip', 'b', 4),
    see(fenced, node({ live: 'writable', snapshots: [FINAL] })),
    granted,
  ],
  [
    'the target serves',
    record('flip', 'b', 4),
    see(fenced, node({ live: 'writable', served: true, leaseEpoch: 4 })),
    { do: 'advance', to: 'start' },
  ],
  [
    'the new owner is down',
    record('flip', 'b', 4),
    see(fenced, undefined),
    { do: 'blocked', node: 'b', why: 'unreachable' },
  ],
  ['the new owner lost it', record('flip', 'b', 4), see(fenced, nothing), { do: 'blocked', node: 'b', why: 'no-data' }],
  ['the source is down after the flip', record('flip', 'b', 4), see(undefined, node({ snapshots: [FINAL] })), granted],
  ['an undo was cut off', record('flip', 'a', 4), see({ ...fenced, snapshots: [FINAL] }, undefined), granted],
  [
    'the label is to be set',
    record('start', 'b', 4),
    see(fenced, node({ live: 'writable', served: true, leaseEpoch: 4 })),
    { do: 'place' },
  ],
  [
    'two nodes have the label',
    record('start', 'b', 4),
    see(fenced, node({ live: 'writable', served: true, leaseEpoch: 4 }), ['a', 'b']),
    { do: 'place' },
  ],
  [
    'the label is set: while the service starts, there is time',
    record('start', 'b', 4),
    see(fenced, serving4, ['b']),
    { do: 'demote' },
  ],
  ['the former owner is reduced meanwhile', record('start', 'b', 4), see(nothing, serving4, ['b']), { do: 'collect' }],
  ['it is down meanwhile', record('start', 'b', 4), see(undefined, serving4, ['b']), { do: 'collect' }],
  [
    'nothing is left to do but to wait',
    record('start', 'b', 4),
    tidy(see(nothing, serving4, ['b'])),
    { do: 'wait-serving' },
  ],
  [
    'the new owner was started anew and does not serve',
    record('start', 'b', 4),
    see(fenced, node({ live: 'writable', leaseEpoch: 4 }), ['b']),
    { do: 'grant', from: undefined },
  ],
  ['the former owner has its copy', record('demote', 'b', 4), see(fenced, serving, ['b']), { do: 'demote' }],
  ['the former owner is reduced', record('demote', 'b', 4), see(nothing, serving, ['b']), { do: 'collect' }],
  ['the former owner is down', record('demote', 'b', 4), see(undefined, serving, ['b']), { do: 'collect' }],
  ['an undone move is never demoted', record('demote', 'a', 4), see(serving, nothing, ['a']), { do: 'collect' }],
  ['all is tidy', record('demote', 'b', 4), tidy(see(nothing, serving, ['b'])), { do: 'close' }],
]

describe('the next action', () => {
  test.each(finish)('when %s', (_, stored, observation, action) => {
    expect(nextAction(stored, observation, 'finish')).toEqual(action)
  })

  test.each([
    ['precopy', { do: 'collect' }],
    ['quiesce', { do: 'decide', owner: 'a' }],
    ['final', { do: 'decide', owner: 'a' }],
  ] as const)('of an undo in phase %s needs no target', (phase, action) => {
    expect(nextAction(record(phase), see(serving, undefined, ['a']), 'undo')).toEqual(action)
  })

  test('past the flip is the same, whatever is wanted', () => {
    const observations = finish.filter(([, { phase }]) => ['flip', 'start', 'demote'].includes(phase))
    expect(observations.length).toBeGreaterThan(5)
    for (const [, stored, observation, action] of observations) {
      for (const intent of ['finish', 'undo'] as const satisfies readonly MoveIntent[]) {
        expect(nextAction(stored, observation, intent)).toEqual(action)
      }
    }
  })
})

test('a move may delete what it or an earlier one made, and nothing else', () => {
  const disposable = (name: string) => isDisposable(name, 12)
  expect(['move-12-0', 'move-12-final', 'move-3-14'].every(disposable)).toBe(true)
  expect(['move-13-0', 'move-120-final', 'daily', 'orphan-3', 'move-12-last', 'xmove-1-0'].some(disposable)).toBe(false)
})
