import { describe, expect, it } from 'vitest'
import type { NodeSpec, Role } from '../../src/model/lab-spec.ts'
import { moveTarget } from '../../src/workflows/demo.ts'

const node = (name: string, ...roles: readonly Role[]): NodeSpec => ({
  name,
  roles,
  memoryBytes: undefined,
  cpus: undefined,
  vars: {},
})
const lab = (...workers: readonly string[]) => ({
  nodes: [node('mgmt', 'manager', 'build', 'edge'), ...workers.map((name) => node(name, 'worker'))],
})

describe('lab demo moves the data', () => {
  it.each([
    ['to node3 of the classic lab', lab('node1', 'node2', 'node3'), 'node1', 'node3'],
    ['elsewhere when it is on node3 already', lab('node1', 'node2', 'node3'), 'node3', 'node2'],
    ['to the last worker of another lab', lab('a', 'b', 'c'), 'a', 'c'],
    ['nowhere when there is one worker', lab('a'), 'a', undefined],
  ])('%s', (_title, spec, owner, target) => {
    expect(moveTarget(spec, owner)).toBe(target)
  })
})
