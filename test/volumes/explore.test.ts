import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { nextAction } from '../../src/volumes/move/next-action.ts'
import type { Budget } from './explore-steps.ts'
import { explore } from './explore.ts'
import type { Decide } from './mover.ts'
import { GUARDS, type Guards } from './world.ts'

// How many rounds are copied must not depend on how fast this machine is.
beforeAll(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterAll(() => void vi.useRealTimers())

const NODES = ['a', 'b']
const one: Budget = { movers: 1, kills: 0, crashes: 0, losses: 0, strays: 0, switches: 0 }
const two: Budget = { ...one, movers: 2 }
const three: Budget = { ...one, movers: 3 }

const BUDGETS: readonly (readonly [string, Budget])[] = [
  ['two runs that overtake each other twice', { ...two, switches: 2 }],
  ['a run that is killed, and one that comes after it', { ...two, kills: 1 }],
  ['a node that crashes, in the middle of things too, and two runs', { ...two, crashes: 1 }],
  ['two nodes that crash, and one run', { ...one, crashes: 2 }],
  ['a request that fails, or whose answer is lost, and two runs', { ...two, losses: 1 }],
  ['a message that comes late, and two runs', { ...two, strays: 1 }],
  ['a message that comes twice, or two that come late, and one run', { ...one, strays: 2 }],
]

describe('every order of what can happen has one writer at most and loses no acknowledged write', () => {
  test.each(BUDGETS)(
    '%s',
    async (title, budget) => {
      const found = await explore({ nodes: NODES, budget, guards: GUARDS, decide: nextAction })
      console.log(`${title}: ${String(found.states)} states, ${String(found.ends)} ends`)
      expect(found.broken).toBeUndefined()
      expect(found.ends).toBeGreaterThan(10)
    },
    120_000,
  )
})

/** The protocol with a mistake in it. */
interface Mistake {
  readonly guards?: Partial<Guards>
  readonly decide?: Decide
}

const MISTAKES: readonly (readonly [string, Budget, Mistake])[] = [
  [
    'that the source is fenced is believed, not looked at',
    one,
    {
      decide: (record, seen, intent) => {
        const fenced = { live: 'frozen', served: false, leaseEpoch: 0, fencedEpoch: record.epoch } as const
        const source = seen.source === undefined ? undefined : { ...seen.source, ...fenced }
        return nextAction(record, { ...seen, source }, intent)
      },
    },
  ],
  [
    'the last snapshot is taken before the source is fenced',
    one,
    {
      decide: (record, seen, intent) => {
        const action = nextAction(record, seen, intent)
        const taken = seen.source?.snapshots.some(({ name }) => name.endsWith('-final'))
        return action?.do === 'fence' && taken === false ? { do: 'snapshot' } : action
      },
    },
  ],
  [
    'records are replaced without looking at their version',
    { ...two, switches: 2 },
    { guards: { compareRecord: false } },
  ],
  ['a node takes a fence that is older than its lease', { ...one, strays: 1 }, { guards: { compareFence: false } }],
  [
    'a node takes a grant under an epoch that it gave up',
    { ...three, strays: 1, astray: ['grant'] },
    { guards: { compareGrant: false } },
  ],
  [
    'a node retires a copy that was not fenced at just that epoch',
    { ...three, strays: 1, astray: ['retire'] },
    { guards: { compareRetire: false } },
  ],
]

describe('a mistake in the protocol is found', () => {
  test.each(MISTAKES)(
    '%s',
    async (title, budget, { guards, decide = nextAction }) => {
      const found = await explore({ nodes: NODES, budget, guards: { ...GUARDS, ...guards }, decide })
      console.log(`${title}: ${found.broken?.what ?? 'NOT FOUND'} after ${String(found.states)} states`)
      expect(found.broken?.trace.length).toBeGreaterThan(0)
    },
    120_000,
  )
})
