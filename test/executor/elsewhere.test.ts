import { beforeEach, expect, test } from 'vitest'
import type { FactQuery, Step } from '../../src/model/step.ts'
import { execs, on, read, run, useFlowNodes, write } from './flow-nodes.ts'

useFlowNodes()
beforeEach(() => {
  roster = undefined
})

/** What is written into the file `roster` on mgmt as a run begins; undefined: there is none. */
let roster: string | undefined

/** A file of each node whose content mgmt can tell as well: `member` in its roster says that all have it. */
function told(by = 'mgmt'): Step {
  const step = write('state', 'member')
  const inRoster: FactQuery<string> = {
    key: 'roster',
    script: `${roster === undefined ? '' : `printf %s '${roster}' >"$NODE/roster"; `}cat "$NODE/roster"; echo x >>"$NODE/asked"`,
    parse: ({ stdout }) => stdout,
  }
  const elsewhere = { node: by, query: inRoster, value: (text: unknown) => (text === 'member' ? true : undefined) }
  return { ...step, queries: step.queries.map((query) => ({ ...query, elsewhere })) }
}
const webOutcomes = (outcomes: readonly string[]) => outcomes.filter((each) => /^node[23]/.test(each)).sort()

test('what one node tells of all others is asked once, and nobody else is', async () => {
  roster = 'member'
  const { outcomes } = await run([on(['web'], told())])
  expect(webOutcomes(outcomes)).toEqual(['node2: state is member: ok', 'node3: state is member: ok'])
  expect(await read('mgmt/asked')).toBe('x\n')
  expect(execs.toSorted()).toEqual(['mgmt', 'node2', 'node3'])
  expect(await read('node2/state')).toBeUndefined()
})

test('what it leaves open, each node is asked itself', async () => {
  roster = 'nobody'
  const { outcomes } = await run([on(['web'], told())])
  expect(webOutcomes(outcomes)).toEqual(['node2: state is member: changed', 'node3: state is member: changed'])
  expect(await read('node2/state')).toBe('member')
  expect(await read('mgmt/asked')).toBe('x\n')
  execs.splice(0)
  const again = await run([on(['web'], told())])
  expect(webOutcomes(again.outcomes)).toEqual(['node2: state is member: ok', 'node3: state is member: ok'])
  expect(execs.toSorted()).toEqual(['mgmt', 'node2', 'node2', 'node3', 'node3'])
})

test('one that is down tells nothing, and keeps nobody from answering', async () => {
  const { outcomes } = await run([on(['web'], told())], { down: 'mgmt' })
  expect(webOutcomes(outcomes)).toEqual(['node2: state is member: changed', 'node3: state is member: changed'])
})

test('once something was changed, nothing that was told before is believed', async () => {
  roster = 'member'
  const { outcomes } = await run([on(['node1'], write('other', 'x')), on(['web'], told())])
  expect(webOutcomes(outcomes)).toEqual(['node2: state is member: changed', 'node3: state is member: changed'])
})
