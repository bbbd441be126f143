import { expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { LabError } from '../../src/model/errors.ts'
import { checkDemotions } from '../../src/workflows/check-demotions.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'

/** lab.yml gives the role to m1, m2 and m4; `managers` have it in the swarm. Undefined: there is no swarm. */
const labOf = (managers: readonly string[] | undefined) => {
  const nodes = [
    '{ name: m1, roles: [manager, build, edge] }',
    '{ name: m2, roles: [manager] }',
    '{ name: m3, roles: [worker, registry, logs] }',
    '{ name: m4, roles: [manager] }',
  ]
  const text = `nodes:\n${nodes.map((node) => `  - ${node}`).join('\n')}\n`
  const listed = (managers ?? []).map((name) => ({
    ID: name,
    Spec: { Role: 'manager', Availability: 'active' },
    Description: { Hostname: name },
    Status: { State: 'ready' },
    ManagerStatus: { Reachability: 'reachable' },
  }))
  return {
    spec: parseLab(text, { file: 'lab.yml', defaultName: 'here' }),
    signal: new AbortController().signal,
    manager: () =>
      managers === undefined
        ? Promise.reject(new LabError('NO_MANAGER', 'nobody'))
        : Promise.resolve({ node: 'm1', engine: { listNodes: () => Promise.resolve(listed) } }),
  } as unknown as OpenLab
}

test('the role is not taken from a manager that the others could not do without, which names who is lost', async () => {
  await expect(checkDemotions(labOf(['m1', 'm2', 'm3']), ['m2'])).rejects.toMatchObject({
    code: 'QUORUM',
    message: 'without m3 the managers would have no majority: m2 does not answer',
  })
})

test.each<[string, readonly string[] | undefined, readonly string[]]>([
  ['nobody is lost', ['m1', 'm2', 'm3'], []],
  ['the one that is lost has no say', ['m1', 'm2', 'm3'], ['m4']],
  ['the lost one loses the role', ['m1', 'm2', 'm3'], ['m3']],
  ['nobody loses it', ['m1', 'm2'], ['m2']],
  ['there is no swarm yet', undefined, ['m1', 'm2', 'm3', 'm4']],
])('it is taken where %s', async (_, managers, lost) => {
  await expect(checkDemotions(labOf(managers), lost)).resolves.toBeUndefined()
})
