import { describe, expect, test } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import type { StoredRecord } from '../../src/model/volume.ts'
import type { MoveIntent } from '../../src/volumes/move/next-action.ts'
import { runMove } from '../../src/volumes/move/run-move.ts'
import { endOf, type Fate, killedAt, LUCKY, stoppedBefore } from './fates.ts'
import { ModelCluster } from './model-cluster.ts'

const run = (cluster: ModelCluster, stored: StoredRecord, intent: MoveIntent, fate: Fate) =>
  endOf(runMove(cluster.context(fate), stored, intent, { rounds: 0, bytesSent: 0 }))

/** What a move from a to b finds: b has nothing of the volume, or all but the last few bytes of it. */
const BEGINNINGS = {
  'all to copy': () => Promise.resolve(new ModelCluster()),
  'next to nothing to copy': async () => {
    const cluster = new ModelCluster()
    cluster.writeBytes = 1
    await run(cluster, cluster.open('b', 'aaaaa0'), 'finish', LUCKY)
    await run(cluster, cluster.open('a', 'aaaaa1'), 'finish', LUCKY)
    return cluster
  },
}
type Beginning = keyof typeof BEGINNINGS

async function countEffects(intent: MoveIntent = 'finish', beginning: Beginning = 'all to copy'): Promise<number> {
  const cluster = await BEGINNINGS[beginning]()
  let effects = 0
  await run(cluster, cluster.open('b', 'aaaaaa'), intent, (step) => void (effects = step))
  return effects
}

/** The move again, as the command does it: taken over and brought to an end, by then in a world without faults. */
async function again(cluster: ModelCluster, intent: MoveIntent): Promise<void> {
  if (cluster.record.record.phase === 'idle') return
  const error = await run(cluster, cluster.takeOver('bbbbbb'), intent, LUCKY)
  expect(error).toBeUndefined()
}

function expectSound(cluster: ModelCluster, where: string): void {
  const { record } = cluster.record
  expect(record.phase, where).toBe('idle')
  cluster.tick()
  expect(cluster.placed, where).toEqual([record.owner])
  expect(cluster.running, where).toBe(record.owner)
  expect(cluster.served, where).toEqual(cluster.acknowledged)
  const others = [...cluster.nodes].filter(([name]) => name !== record.owner)
  for (const [name, node] of others) {
    expect({ name, live: node.live, served: node.served, lease: node.lease }, where).toEqual({
      name,
      live: undefined,
      served: false,
      lease: 0,
    })
  }
}

describe('a move', () => {
  test('that nothing disturbs ends on the target with every write', async () => {
    const cluster = new ModelCluster()
    expect(await run(cluster, cluster.open('b', 'aaaaaa'), 'finish', LUCKY)).toBeUndefined()
    expect(cluster.record.record).toMatchObject({ owner: 'b', epoch: 2, base: 'move-1-final' })
    expect(cluster.acknowledged.length).toBeGreaterThan(10)
    expectSound(cluster, 'undisturbed')
  })

  test('leaves one snapshot on either side, the base for the way back', async () => {
    const cluster = new ModelCluster()
    await run(cluster, cluster.open('b', 'aaaaaa'), 'finish', LUCKY)
    const names = (node: string) => cluster.node(node).snapshots.map(({ name }) => name)
    expect([names('a'), names('b')]).toEqual([['move-1-final'], ['move-1-final']])
  })

  test('through all nodes and back keeps every write', async () => {
    const cluster = new ModelCluster()
    for (const [index, target] of ['b', 'c', 'a', 'c', 'b', 'a'].entries()) {
      expect(await run(cluster, cluster.open(target, `aaaaa${String(index)}`), 'finish', LUCKY)).toBeUndefined()
      expectSound(cluster, `move ${String(index)} to ${target}`)
    }
    expect(cluster.record.record.epoch).toBe(7)
  })

  test('copies nothing ahead that can be copied while the engine stops the service', async () => {
    const orderOf = async (
      beginning: Beginning,
      { maxPauseMs, connected = true }: { maxPauseMs?: number; connected?: boolean } = {},
    ) => {
      const cluster = await BEGINNINGS[beginning]()
      cluster.connected = connected
      const order: string[] = []
      const fate: Fate = (_, effect, when) => {
        if (when === 'before' && /^(send|place) /.test(effect)) order.push(effect.split(' ')[0] ?? '')
      }
      const figures = { rounds: 0, bytesSent: 0 }
      await runMove({ ...cluster.context(fate), maxPauseMs }, cluster.open('b', 'aaaaaa'), 'finish', figures)
      expect(figures.rounds).toBe(order.filter((each) => each === 'send').length)
      return order
    }
    expect(await orderOf('next to nothing to copy')).toEqual(['place', 'send', 'send', 'place'])
    expect((await orderOf('all to copy'))[0]).toBe('send')
    // Nodes that do not reach each other are found out while the service still runs.
    expect((await orderOf('next to nothing to copy', { connected: false }))[0]).toBe('send')
    // A pause that was promised rests on rounds that were seen.
    expect((await orderOf('next to nothing to copy', { maxPauseMs: 60_000 }))[0]).toBe('send')
  })

  test.each([
    ['finish', 'all to copy'],
    ['undo', 'all to copy'],
    ['finish', 'next to nothing to copy'],
    ['undo', 'next to nothing to copy'],
  ] as const)('killed around any effect can be brought to its end (%s, %s)', async (intent, beginning) => {
    const effects = await countEffects('finish', beginning)
    expect(effects).toBeGreaterThan(30)
    for (let at = 1; at <= effects; at++) {
      for (const when of ['before', 'after'] as const) {
        const cluster = await BEGINNINGS[beginning]()
        await run(cluster, cluster.open('b', 'aaaaaa'), 'finish', killedAt(at, when))
        const decided = cluster.record.record.owner === 'b'
        await again(cluster, intent)
        const where = `killed ${when} effect ${String(at)}, then ${intent}`
        expectSound(cluster, where)
        expect(cluster.record.record.owner, where).toBe(intent === 'finish' || decided ? 'b' : 'a')
      }
    }
  })

  test.each(['finish', 'undo'] as const)(
    'killed twice, anywhere, can still be brought to its end (%s)',
    async (intent) => {
      const effects = await countEffects()
      for (let first = 1; first <= effects; first++) {
        for (let second = 1; second <= effects; second++) {
          const cluster = new ModelCluster()
          await run(cluster, cluster.open('b', 'aaaaaa'), 'finish', killedAt(first, 'after'))
          if (cluster.record.record.phase === 'idle') continue
          const fate = killedAt(second, 'after')
          await run(cluster, cluster.takeOver('bbbbbb'), intent, fate)
          if (!fate.happened()) break
          await again(cluster, 'finish')
          expectSound(cluster, `killed after ${String(first)}, and in ${intent} after ${String(second)}`)
        }
      }
    },
  )

  test('in which any one effect fails is undone before its flip, or finished by the next run after it', async () => {
    const effects = await countEffects()
    for (let at = 1; at <= effects; at++) {
      for (const when of ['before', 'after'] as const) {
        const cluster = new ModelCluster()
        const error = await run(cluster, cluster.open('b', 'aaaaaa'), 'finish', (step, _, now) => {
          if (step === at && now === when) throw new LabError('BROKEN', 'this one failed')
        })
        const where = `effect ${String(at)} failed, ${when}`
        if (error !== undefined) expect((error as LabError).message, where).toMatch(/^this one failed/)
        await again(cluster, 'finish')
        expectSound(cluster, where)
      }
    }
  })

  /** A run that stops before its effect number `at` until `goOn` is called. Undefined: it ended before that. */
  async function stopBefore(cluster: ModelCluster, at: number) {
    const stop = stoppedBefore(at)
    const ended = run(cluster, cluster.open('b', 'aaaaaa'), 'finish', stop.fate)
    if (!(await stop.reached(ended))) return undefined
    return {
      goOn: () => {
        stop.goOn()
        return ended
      },
    }
  }

  test('that is overtaken while it is stopped anywhere does no harm when it goes on', async () => {
    const effects = await countEffects()
    for (let at = 1; at <= effects; at++) {
      const cluster = new ModelCluster()
      const slow = await stopBefore(cluster, at)
      if (slow === undefined || cluster.record.record.phase === 'idle') continue
      await again(cluster, 'finish')
      expect(await run(cluster, cluster.open('a', 'cccccc'), 'finish', LUCKY)).toBeUndefined()
      expectSound(cluster, `overtaken before ${String(at)}`)
      const error = await slow.goOn()
      cluster.tick()
      const where = `went on at ${String(at)} after it was overtaken, ending with ${String(error)}`
      expect(cluster.record.record.phase, where).toBe('idle')
      expect(cluster.served, where).toEqual(cluster.acknowledged)
      const writers = [...cluster.nodes].filter(([, node]) => node.served).map(([name]) => name)
      expect(writers, where).toEqual([cluster.record.record.owner])
    }
  })

  test('that goes on in the middle of the move back does no harm either', async () => {
    const effects = await countEffects()
    let met = 0
    for (let at = 1; at <= effects; at++) {
      for (let second = 1; second <= effects; second++) {
        const cluster = new ModelCluster()
        const slow = await stopBefore(cluster, at)
        if (slow === undefined || cluster.record.record.phase === 'idle') break
        await again(cluster, 'finish')
        const fate = killedAt(second, 'after')
        await run(cluster, cluster.open('a', 'cccccc'), 'finish', fate)
        // `goOn` throws when there were two writers at any time.
        await slow.goOn()
        cluster.tick()
        const where = `stopped before ${String(at)}, went on after effect ${String(second)} of the move back`
        await again(cluster, 'finish')
        expect(cluster.served, where).toEqual(cluster.acknowledged)
        const writers = [...cluster.nodes].filter(([, node]) => node.served).map(([name]) => name)
        expect(writers, where).toEqual([cluster.record.record.owner])
        if (!fate.happened()) break
        met++
      }
    }
    expect(met).toBeGreaterThan(500)
  }, 120_000)
})
