import { expect, test } from 'vitest'
import { unknownName } from '../../src/model/names.ts'
import { LabError } from '../../src/model/errors.ts'
import type { MoveContext } from '../../src/volumes/move/context.ts'
import { runMove } from '../../src/volumes/move/run-move.ts'
import { LUCKY } from './fates.ts'
import { ModelCluster } from './model-cluster.ts'

/** A context in which a node fails, as one that is down or is no part of the lab. */
function without(context: MoveContext, gone: string, failure: LabError): MoveContext {
  return { ...context, node: (name) => (name === gone ? Promise.reject(failure) : context.node(name)) }
}

test.each([
  ['down', new LabError('UNREACHABLE', 'a is stopped')],
  ['no part of the lab any more', unknownName('node', 'a', ['b', 'c'])],
])('a move that was cut off after its flip ends, though its source is %s', async (_, failure) => {
  const cluster = new ModelCluster()
  const policy = { replicas: [{ node: 'c', everyMs: 1000 }], keep: {}, hooks: {} }
  cluster.record = { ...cluster.record, record: { ...cluster.record.record, policy } }
  const killed = runMove(
    {
      ...cluster.context(LUCKY),
      onPhase: (phase) => (phase === 'flip' ? Promise.reject(new Error('killed')) : undefined),
    },
    cluster.open('b', 'aaaaaa'),
    'finish',
    { rounds: 0, bytesSent: 0 },
  )
  await expect(killed).rejects.toThrow('killed')
  expect(cluster.record.record).toMatchObject({ phase: 'flip', owner: 'b' })

  const context = without(cluster.context(LUCKY), 'a', failure)
  await runMove(context, cluster.takeOver('bbbbbb'), 'undo', { rounds: 0, bytesSent: 0 })
  expect(cluster.record.record).toMatchObject({ phase: 'idle', owner: 'b' })
  expect(cluster.running).toBe('b')
})
