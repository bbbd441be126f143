import { expect, test } from 'vitest'
import { formerManagers, type SwarmTraces } from '../../src/workflows/former-managers.ts'

const machines = ['mgmt', 'node1', 'node2'].map((name, index) => ({ name, address: `10.0.0.${String(index + 11)}` }))
const member = (name: string, ...managers: readonly string[]) => ({ name, keeps: false, managers })
const keeper = (name: string) => ({ name, keeps: true, managers: ['10.0.0.11'] })
const find = (traces: Partial<SwarmTraces>) =>
  formerManagers({ wanted: ['boss'], machines, told: [], noted: [], ...traces })

test('whoever has the records of the swarm is told from its disk, also without a majority', () => {
  expect(find({ told: [keeper('mgmt'), member('node1', '10.0.0.11')], noted: ['node2'] })).toEqual(['mgmt'])
  expect(find({ told: [keeper('mgmt'), keeper('node1')], wanted: ['node1'] })).toEqual([])
})

test('a manager that is off is known to the members of its swarm', () => {
  expect(find({ told: [member('node1', '10.0.0.11')] })).toEqual(['mgmt'])
  expect(find({ told: [member('node1', '10.0.0.11')], wanted: ['mgmt'] })).toEqual([])
  // One that answers and has no records was demoted, or its machine made anew.
  expect(find({ told: [member('mgmt'), member('node1', '10.0.0.11')] })).toEqual([])
})

test('where nobody can be asked, what was noted counts, of machines that are still there', () => {
  expect(find({ noted: ['mgmt'] })).toEqual(['mgmt'])
  expect(find({ noted: ['mgmt'], wanted: ['mgmt', 'boss'] })).toEqual([])
  expect(find({ noted: ['gone'] })).toEqual([])
  expect(find({ noted: ['gone'], listsSpecOnly: true })).toEqual(['gone'])
})

test('a lab that has no swarm yet, or none any more, has no former managers', () => {
  expect(find({})).toEqual([])
  expect(find({ told: machines.map(({ name }) => member(name)) })).toEqual([])
})
