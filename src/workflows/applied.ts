import { createHash } from 'node:crypto'
import { nodesWithRole, type LabSpec } from '../model/lab-spec.ts'
import type { StateDirectory } from '../secrets/state-directory.ts'
import type { OpenLab } from './open-lab.ts'

/**
 * In the state directory: what the last `up` that did all it had to made of lab.yml. Only a guard, for what nobody can be
 * asked about while machines are off: lost, those are started and asked.
 */
export const APPLIED_FILE = 'applied'

/** What an `up` made of lab.yml. */
export interface Applied {
  /** Names of the managers. */
  readonly managers: readonly string[]
  /** What lab.yml said makes the machines, whatever did. */
  readonly provider: LabSpec['provider']
  /** Digest of all that a lab which lives is asked about before it is changed. */
  readonly asked: string
}

/** What was noted last; undefined where nothing is. */
export async function readApplied(state: StateDirectory): Promise<Applied | undefined> {
  const text = (await state.read(APPLIED_FILE)) ?? ''
  return text === '' ? undefined : (JSON.parse(text) as Applied)
}

/** Notes that the lab is as lab.yml says. */
export async function noteApplied({ state, spec, said }: Pick<OpenLab, 'state' | 'spec' | 'said'>): Promise<void> {
  const text = JSON.stringify({ ...appliedOf(spec), provider: said.name } satisfies Applied)
  if ((await state.read(APPLIED_FILE)) !== text) await state.write(APPLIED_FILE, text)
}

/** Pure: what an `up` makes of a spec. */
export function appliedOf(spec: LabSpec): Omit<Applied, 'provider'> {
  const { nodes, edge, volumes } = spec
  const asked = JSON.stringify([nodes, edge.ports, volumes])
  return {
    managers: nodesWithRole(spec, 'manager').map(({ name }) => name),
    asked: createHash('sha256').update(asked).digest('hex').slice(0, 12),
  }
}
