import { expect, test } from 'vitest'
import { planEvacuation } from '../../src/workflows/move-volumes.ts'
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
