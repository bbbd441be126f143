import { runPlays, type RunSummary } from '../../src/executor/run-plays.ts'
import type { RunEvent } from '../../src/model/events.ts'
import type { Connection } from '../../src/model/connection.ts'
import { NODE_PATHS } from '../../src/model/names.ts'
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
  { nodes, connect }: Pick<TestNodes, 'nodes' | 'connect'>,
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
 * second apply changes nothing and runs nothing but the facts. Returns the names of what was changed, one list a step.
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
    const { watched, calls } = watch(nodes)
    const after = await runSteps(watched, steps, { mode })
    if (after.summary.errors[0] !== undefined) throw after.summary.errors[0]
    const left = after.outcomes.filter((outcome) => !outcome.endsWith(': ok'))
    if (left.length > 0) throw new Error(`after an apply, ${mode} is not empty: ${left.join('; ')}`)
    if (calls.some((call) => call !== 'facts')) throw new Error(`${mode} again did more than ask: ${calls.join('; ')}`)
  }
  return applied.changes
}

/** The same nodes, and what is done through their connections: `facts` for a script that only asks. */
function watch({ nodes, connect }: TestNodes): {
  readonly watched: Pick<TestNodes, 'nodes' | 'connect'>
  readonly calls: readonly string[]
} {
  const calls: string[] = []
  const watched = async (name: string): Promise<Connection> =>
    new Proxy(await connect(name), {
      get(connection, method: keyof Connection) {
        const member: unknown = Reflect.get(connection, method)
        if (typeof member !== 'function') return member
        return (...given: unknown[]): unknown => {
          // Whatever changes something takes the node's lock first.
          const asks = method === 'script' && !String(given[0]).includes(`>>${NODE_PATHS.run}/lock`)
          calls.push(asks ? 'facts' : method)
          return Reflect.apply(member, connection, given) as unknown
        }
      },
    })
  return { watched: { nodes, connect: watched }, calls }
}
