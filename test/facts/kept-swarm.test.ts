import { expect, test } from 'vitest'
import { keptSwarm } from '../../src/facts/kept-swarm.ts'

const parse = (stdout: string) => keptSwarm.parse({ status: 0, stdout, stderr: '' })

test('a manager has the records of its swarm, a worker knows who has, and a node outside knows nothing', () => {
  const known = '[{"node_id":"abc","addr":"10.0.0.1:2377"},{"node_id":"def","addr":"10.0.0.2:2377"}]'
  expect(parse(`keeps\n${known}`)).toEqual({ keeps: true, managers: ['10.0.0.1', '10.0.0.2'] })
  expect(parse(known)).toEqual({ keeps: false, managers: ['10.0.0.1', '10.0.0.2'] })
  expect(parse('')).toEqual({ keeps: false, managers: [] })
})
