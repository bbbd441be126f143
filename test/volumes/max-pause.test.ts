import { afterEach, expect, test, vi } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import type { MoveContext } from '../../src/volumes/move/context.ts'
import { runMove } from '../../src/volumes/move/run-move.ts'
import { ModelCluster } from './model-cluster.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** A move whose transfers take these times, on a clock of their own; the last of them for ever. Its writers never rest. */
async function move(transferMs: (round: number) => number, maxPauseMs: number | undefined, restartMs?: number) {
  const cluster = new ModelCluster()
  const figures = { rounds: 0, bytesSent: 0 }
  let now = 0
  let round = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const inner = cluster.context(() => undefined)
  const context: MoveContext = {
    ...inner,
    maxPauseMs,
    restartMs,
    node: async (name) => {
      const node = await inner.node(name)
      const transfer: typeof node.transfer = async (job, watch) => {
        await node.transfer(job, watch)
        const ms = transferMs(round++)
        now += ms
        return ms * 1000
      }
      return { ...node, transfer }
    },
  }
  const stopped = vi.fn<() => void>()
  const ended = runMove(
    { ...context, onPhase: (phase) => (phase === 'quiesce' ? stopped() : undefined) },
    cluster.open('b', 'aaaaaa'),
    'finish',
    figures,
  )
  const error = await ended.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return { cluster, figures, error, stopped }
}

test('a pause that cannot be kept is not begun: everything is as before', async () => {
  const { cluster, error, stopped } = await move(() => 10_000, 2000)
  expect(error).toBeInstanceOf(LabError)
  expect(error).toMatchObject({ code: 'PAUSE_TOO_LONG' })
  expect((error as LabError).message).toMatch(/2 s cannot be kept.*10\.0 s.*as before/)
  expect(stopped).not.toHaveBeenCalled()
  expect(cluster.record.record).toMatchObject({ owner: 'a', phase: 'idle' })
  expect(cluster.running).toBe('a')
})

test('without a limit the same move goes through', async () => {
  const { cluster, error, figures } = await move(() => 10_000, undefined)
  expect(error).toBeUndefined()
  expect(figures.rounds).toBeLessThan(8)
  expect(cluster.record.record).toMatchObject({ owner: 'b', phase: 'idle' })
})

test('for a short pause it goes on copying while that helps, for longer than it would otherwise', async () => {
  const halving = (round: number) => 20_000 / 2 ** round
  const [patient, usual] = [await move(halving, 1100), await move(halving, undefined)]
  expect(patient.error).toBeUndefined()
  expect(patient.cluster.record.record.owner).toBe('b')
  expect(patient.figures.rounds).toBeGreaterThan(usual.figures.rounds)
})

test('a service that took longer to stop and start than the pause may last is not stopped, and nothing is copied', async () => {
  const { cluster, error, stopped, figures } = await move(() => 100, 2000, 12_000)
  expect(error).toMatchObject({ code: 'PAUSE_TOO_LONG' })
  expect((error as LabError).message).toMatch(/2 s cannot be kept.*away for 12\.0 s.*as before/)
  expect(stopped).not.toHaveBeenCalled()
  expect(figures.rounds).toBe(0)
  expect(cluster.record.record).toMatchObject({ owner: 'a', phase: 'idle' })
})

test('one that took less, or of which nothing is known, moves', async () => {
  for (const restartMs of [undefined, 1500, 2000]) {
    const { cluster, error } = await move((round) => 100 / 2 ** round, 2000, restartMs)
    expect(error).toBeUndefined()
    expect(cluster.record.record.owner).toBe('b')
  }
})
