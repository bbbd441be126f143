import { describe, expect, test } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import type { StoredRecord } from '../../src/model/volume.ts'
import { runMove } from '../../src/volumes/move/run-move.ts'
import { keptSnapshot, type RollbackIntent } from '../../src/volumes/rollback/next-action.ts'
import { runRollback } from '../../src/volumes/rollback/run-rollback.ts'
import { endOf, type Fate, killedAt, LUCKY, stoppedBefore } from './fates.ts'
import { ModelCluster } from './model-cluster.ts'

/** A cluster whose volume was written to, has a snapshot `monday`, and was written to since. */
async function written(): Promise<ModelCluster> {
  const cluster = new ModelCluster()
  for (let count = 0; count < 5; count++) cluster.tick()
  await (await cluster.context(LUCKY).node('a')).driver.snapshot('data', 'monday')
  for (let count = 0; count < 5; count++) cluster.tick()
  return cluster
}

async function open(cluster: ModelCluster, run: string): Promise<StoredRecord> {
  const { record } = cluster.record
  const startedAt = '2026-01-01T00:00:00Z'
  const rollback = { id: record.epoch, run, phase: 'stop' as const, snapshot: 'monday', startedAt }
  return cluster.context(LUCKY).records.replace(cluster.record, { ...record, rollback })
}

/** Another run takes what is open over and brings it to its end, in a world without faults. */
async function again(cluster: ModelCluster, intent: RollbackIntent): Promise<void> {
  const { record } = cluster.record
  if (record.rollback === undefined) return
  const rollback = { ...record.rollback, run: 'bbbbbb' }
  const taken = await cluster.context(LUCKY).records.replace(cluster.record, { ...record, rollback })
  expect(await run(cluster, taken, intent, LUCKY)).toBeUndefined()
}

const run = (cluster: ModelCluster, stored: StoredRecord, intent: RollbackIntent, fate: Fate) =>
  endOf(runRollback(cluster.context(fate), stored, intent))

async function countEffects(): Promise<number> {
  const cluster = await written()
  let effects = 0
  await run(cluster, await open(cluster, 'aaaaaa'), 'finish', (step) => void (effects = step))
  return effects
}

/** Served where it belongs; either nothing was rolled back, or every write is in the live copy or in what was kept. */
function expectSound(cluster: ModelCluster, where: string): 'rolled back' | 'as before' {
  const { record } = cluster.record
  expect(record.rollback, where).toBeUndefined()
  cluster.tick()
  expect(cluster.placed, where).toEqual([record.owner])
  expect(cluster.running, where).toBe(record.owner)
  const live = cluster.served ?? []
  if (JSON.stringify(live) === JSON.stringify(cluster.acknowledged)) return 'as before'
  const find = (name: string) => cluster.node('a').snapshots.find((each) => each.name === name)?.content ?? []
  const kept = find(keptSnapshot(1))
  expect(kept, where).toEqual(cluster.acknowledged.slice(0, kept.length))
  expect(kept.length, where).toBeGreaterThan(5)
  expect(live, where).toEqual([...find('monday'), ...cluster.acknowledged.slice(kept.length)])
  return 'rolled back'
}

describe('a rollback', () => {
  test('that nothing disturbs puts back what the snapshot holds, and keeps what was live', async () => {
    const cluster = await written()
    const { snapshot, stored } = await runRollback(cluster.context(LUCKY), await open(cluster, 'aaaaaa'), 'finish')
    expect(snapshot).toBe('monday')
    expect(stored.record).toMatchObject({ owner: 'a', epoch: 2, phase: 'idle' })
    expect(expectSound(cluster, 'undisturbed')).toBe('rolled back')
    expect(cluster.node('a').snapshots.map(({ name }) => name)).toEqual(['monday', 'before-rollback-1'])
  })

  test.each(['finish', 'undo'] as const)('killed around any effect can be brought to its end (%s)', async (intent) => {
    const effects = await countEffects()
    expect(effects).toBeGreaterThan(15)
    const ends = new Set<string>()
    for (let at = 1; at <= effects; at++) {
      for (const when of ['before', 'after'] as const) {
        const cluster = await written()
        await run(cluster, await open(cluster, 'aaaaaa'), 'finish', killedAt(at, when))
        const decided = cluster.record.record.rollback?.phase !== 'stop'
        await again(cluster, intent)
        const where = `killed ${when} effect ${String(at)}, then ${intent}`
        const end = expectSound(cluster, where)
        expect(end, where).toBe(intent === 'finish' || decided ? 'rolled back' : 'as before')
        ends.add(end)
      }
    }
    expect(ends).toContain(intent === 'undo' ? 'as before' : 'rolled back')
  })

  test.each(['finish', 'undo'] as const)('killed twice, anywhere, can still be ended (%s)', async (intent) => {
    const effects = await countEffects()
    for (let first = 1; first <= effects; first++) {
      for (let second = 1; second <= effects; second++) {
        const cluster = await written()
        await run(cluster, await open(cluster, 'aaaaaa'), 'finish', killedAt(first, 'after'))
        const { record } = cluster.record
        if (record.rollback === undefined) continue
        const fate = killedAt(second, 'after')
        await run(cluster, cluster.record, intent, fate)
        if (!fate.happened()) break
        await again(cluster, 'finish')
        expectSound(cluster, `killed after ${String(first)}, and in ${intent} after ${String(second)}`)
      }
    }
  })

  test('in which any one effect fails leaves everything as before, or is finished by the next run', async () => {
    const effects = await countEffects()
    for (let at = 1; at <= effects; at++) {
      for (const when of ['before', 'after'] as const) {
        const cluster = await written()
        const error = await run(cluster, await open(cluster, 'aaaaaa'), 'finish', (step, _, now) => {
          if (step === at && now === when) throw new LabError('BROKEN', 'this one failed')
        })
        const where = `effect ${String(at)} failed, ${when}`
        if (error !== undefined) expect((error as LabError).message, where).toMatch(/^this one failed/)
        if (error !== undefined && cluster.record.record.rollback === undefined) {
          const putBack = (error as LabError).message.endsWith('data is as before')
          expect(expectSound(cluster, where), where).toBe(putBack ? 'as before' : 'rolled back')
        }
        await again(cluster, 'finish')
        expectSound(cluster, where)
      }
    }
  })

  test('whose snapshot somebody deletes in the middle puts back what was live', async () => {
    const effects = await countEffects()
    for (let at = 1; at <= effects; at++) {
      const cluster = await written()
      await run(cluster, await open(cluster, 'aaaaaa'), 'finish', killedAt(at, 'after'))
      if (cluster.record.record.rollback === undefined || cluster.node('a').live?.frozen === false) continue
      const { snapshots } = cluster.node('a')
      snapshots.splice(
        snapshots.findIndex(({ name }) => name === 'monday'),
        1,
      )
      await again(cluster, 'finish')
      expect(expectSound(cluster, `deleted after ${String(at)}`)).toBe('as before')
    }
  })

  test.each(['finish', 'undo'] as const)(
    'that is overtaken (%s) and goes on in the middle of a move does no harm',
    async (intent) => {
      const effects = await countEffects()
      let met = 0
      for (let at = 1; at <= effects; at++) {
        const cluster = await written()
        const stop = stoppedBefore(at)
        const slow = run(cluster, await open(cluster, 'aaaaaa'), 'finish', stop.fate)
        if (!(await stop.reached(slow)) || cluster.record.record.rollback === undefined) continue
        await again(cluster, intent)
        const end = expectSound(cluster, `overtaken before ${String(at)}`)
        await runMove(cluster.context(LUCKY), cluster.open('b', 'cccccc'), 'finish', { rounds: 0, bytesSent: 0 })
        const { length } = cluster.acknowledged
        stop.goOn()
        await slow
        cluster.tick()
        const where = `went on at ${String(at)} after it was overtaken (${end})`
        expect(cluster.record.record, where).toMatchObject({ phase: 'idle', owner: 'b' })
        const writers = [...cluster.nodes].filter(([, node]) => node.served).map(([name]) => name)
        expect(writers, where).toEqual(['b'])
        expect(cluster.placed, where).toEqual(['b'])
        expect(cluster.served?.slice(-1), where).toEqual(cluster.acknowledged.slice(-1))
        expect(cluster.acknowledged.length, where).toBeGreaterThanOrEqual(length)
        met++
      }
      expect(met).toBeGreaterThan(10)
    },
  )
})
