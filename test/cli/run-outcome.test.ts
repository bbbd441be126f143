import { expect, it } from 'vitest'
import { throwIfFailed } from '../../src/cli/run-outcome.ts'
import { LabError } from '../../src/model/errors.ts'

const failed = (node: string, hint: string) =>
  new LabError('STEP_FAILED', `${node}: "boo": exited with 3`, { where: `${node}, web.ts:4`, hint })

it('a run on which several nodes failed ends with one error that says how to go on with all of them', () => {
  const hint = 'look at web.ts:4, then: lab run web.ts --limit '
  const errors = ['node1', 'node2'].map((node) => failed(node, `${hint}${node}`))
  expect(() => {
    throwIfFailed({ failed: 2, errors })
  }).toThrow(
    expect.objectContaining({
      message: 'node1: "boo": exited with 3\nnode2: "boo": exited with 3',
      where: 'node1, web.ts:4; node2, web.ts:4',
      hint: `${hint}node1,node2`,
    }),
  )
  const other = failed('node2', 'look at web.ts:9, then: lab run web.ts --limit node2')
  expect(() => {
    throwIfFailed({ failed: 2, errors: [failed('node1', `${hint}node1`), other] })
  }).toThrow(expect.objectContaining({ hint: `${hint}node1` }))
})

it('one that failed on none is no error', () => {
  expect(() => {
    throwIfFailed({ failed: 0, errors: [] })
  }).not.toThrow()
})
