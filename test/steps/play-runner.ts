import { runPlays, type RunSummary } from '../../src/executor/run-plays.ts'
import type { RunEvent } from '../../src/model/events.ts'
import type { Step } from '../../src/model/step.ts'
import type { TestNodes } from '../node-fixture.ts'

/** What a run of some steps on one node came to. */
export interface Ran {
  readonly summary: RunSummary
  /** `write /etc/x: changed`, one a step. */
  readonly outcomes: readonly string[]
  /** Names of what differed, one list a step. */
  readonly changes: readonly (readonly string[])[]
  readonly events: readonly RunEvent[]
}

/** Runs steps on the first node. */
export async function runSteps(
  { nodes, connect }: TestNodes,
  steps: readonly Step[],
  options: { readonly mode?: 'apply' | 'plan'; readonly diff?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Ran> {
  const events: RunEvent[] = []
  const summary = await runPlays({
    plays: [{ name: 'steps', hosts: () => true, steps }],
    nodes: nodes.slice(0, 1),
    connect,
    mode: options.mode ?? 'apply',
    diff: options.diff ?? false,
    emit: (event) => events.push(event),
    signal: options.signal ?? new AbortController().signal,
  })
  const told = events.filter((event) => event.type === 'step')
  return {
    summary,
    outcomes: told.map(({ title, outcome }) => `${title}: ${outcome}`),
    changes: told.map(({ changes }) => changes.map(({ path }) => path)),
    events,
  }
}

/**
 * The law of every step: a plan changes nothing and names what an apply then changes; after it a plan is empty and a
 * second apply changes nothing. Returns the names of what was changed, one list a step.
 */
export async function converge(nodes: TestNodes, steps: readonly Step[]): Promise<readonly (readonly string[])[]> {
  const planned = await runSteps(nodes, steps, { mode: 'plan' })
  const again = await runSteps(nodes, steps, { mode: 'plan' })
  if (JSON.stringify(planned.outcomes) !== JSON.stringify(again.outcomes)) {
    throw new Error(`a plan changed something: ${planned.outcomes.join('; ')} became ${again.outcomes.join('; ')}`)
  }
  const applied = await runSteps(nodes, steps)
  if (applied.summary.failed > 0) throw applied.summary.errors[0] ?? new Error('failed')
  for (const mode of ['plan', 'apply'] as const) {
    const after = await runSteps(nodes, steps, { mode })
    if (after.summary.errors[0] !== undefined) throw after.summary.errors[0]
    const left = after.outcomes.filter((outcome) => !outcome.endsWith(': ok'))
    if (left.length > 0) throw new Error(`after an apply, ${mode} is not empty: ${left.join('; ')}`)
  }
  return applied.changes
}
