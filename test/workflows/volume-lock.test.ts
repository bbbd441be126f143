import { expect, test } from 'vitest'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import type { LabSpec } from '../../src/model/lab-spec.ts'
import { holdVolumeLock, type LockingLab } from '../../src/workflows/volume-lock.ts'

const role = (name: string) => (name.startsWith('m') ? ('manager' as const) : ('worker' as const))
const nodes = ['w1', 'm1', 'm2', 'm3'].map((name) => ({ name, roles: [role(name)] }))
const unreachable = (what: string) => new LabError('UNREACHABLE', what)

interface Trouble {
  readonly down?: readonly string[]
  /** Managers to which there is a connection that broke. */
  readonly broken?: readonly string[]
  readonly held?: boolean
}

/** Which nodes were asked for a lock, one after the other. `answered` is the manager whose answer was there first. */
async function asked(answered: string, { down = [], broken = [], held = false }: Trouble = {}) {
  const gone = new Set(broken)
  const order: string[] = []
  const lab: LockingLab = {
    spec: { nodes } as unknown as LabSpec,
    signal: new AbortController().signal,
    connect: (node) =>
      down.includes(node) ? Promise.reject(unreachable(`${node} is stopped`)) : Promise.resolve({ node } as Connection),
    disconnect: (node) => Promise.resolve(void gone.delete(node)),
    manager: () =>
      down.includes(answered)
        ? Promise.reject(new LabError('NO_MANAGER', 'no manager answers'))
        : Promise.resolve({ node: answered, engine: {} as never }),
  }
  await holdVolumeLock(lab, 'data', ({ node }) => {
    order.push(node)
    if (gone.has(node)) return Promise.reject(unreachable('the connection broke'))
    if (held) return Promise.reject(new LabError('MOVE_UNDER_WAY', 'another lab has it'))
    return Promise.resolve({ release: () => Promise.resolve() })
  })
  return order
}

test('labs that had their answers from different managers lock on the same one: the first that can be reached', async () => {
  expect(await Promise.all(['m1', 'm2', 'm3'].map((first) => asked(first)))).toEqual([['m1'], ['m1'], ['m1']])
  const down = ['m1']
  expect(await Promise.all(['m2', 'm3'].map((first) => asked(first, { down })))).toEqual([['m2'], ['m2']])
})

test('a connection that broke is opened anew before another manager is asked', async () => {
  expect(await asked('m2', { broken: ['m1'] })).toEqual(['m1', 'm1'])
})

test('a lock that is held is held, and no manager at all is what is said', async () => {
  await expect(asked('m2', { held: true })).rejects.toMatchObject({ code: 'MOVE_UNDER_WAY' })
  await expect(asked('m1', { down: ['m1', 'm2', 'm3'] })).rejects.toMatchObject({ code: 'NO_MANAGER' })
})
