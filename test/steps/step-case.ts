import type { Command } from '../../src/model/command.ts'
import type { ApplyContext, Change, Step } from '../../src/model/step.ts'
import type { PathState } from '../../src/facts/path.ts'
import type { UnitState } from '../../src/facts/unit.ts'

const context: ApplyContext = {
  node: { name: 'node1', roles: ['worker'], memoryBytes: undefined, cpus: undefined, vars: {} },
  read: () => Promise.reject(new Error('this step reads no other node')),
}

/** What a step makes of facts, given by the keys of its queries: the differences it sees and the commands it would run. */
export async function consider(
  step: Step,
  facts: Readonly<Record<string, unknown>>,
  pending: readonly string[] = [],
): Promise<{ readonly changes: readonly Change[]; readonly commands: readonly Command[] }> {
  for (const { key } of step.queries) if (!(key in facts)) throw new Error(`the case says nothing of ${key}`)
  const observed = new Map(Object.entries(facts))
  const changes = step.diff(observed, new Set(pending))
  return { changes, commands: changes.length === 0 ? [] : await step.apply(changes, observed, context) }
}

/** State of a path: nothing there, unless said otherwise. */
export function path(state: Partial<PathState> = {}): PathState {
  const absent = { uid: 0, gid: 0, user: 'root', group: 'root', modifiedUs: 0, digest: undefined, target: undefined }
  return { type: 'absent', mode: 0, ...absent, ...state }
}

/** State of a unit: loaded, running since second 1000, started by nobody in particular. */
export function unit(state: Partial<UnitState> = {}): UnitState {
  return {
    load: 'loaded',
    active: 'active',
    file: 'enabled',
    needsReload: false,
    invocation: 'i1',
    startedUs: 1_000_000_000,
    stamp: undefined,
    ...state,
  }
}
