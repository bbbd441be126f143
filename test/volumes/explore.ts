import { stepsFrom, type Budget, type State } from './explore-steps.ts'
import { advanceMover, type Decide, type Waiting } from './mover.ts'
import { Names } from './state-names.ts'
import { firstWorld, type Guards, type World } from './world.ts'

/** What is explored. */
export interface Exploration {
  readonly nodes: readonly string[]
  readonly budget: Budget
  readonly guards: Guards
  readonly decide: Decide
}

/** What was found. */
export interface Explored {
  readonly states: number
  readonly ends: number
  /** The first thing that must not happen, with the way that led there. */
  readonly broken: { readonly what: string; readonly trace: readonly string[] } | undefined
}

/** Goes through every order in which movers, nodes, the engine and messages can come, depth first, each state once. */
export async function explore({ nodes, budget, guards, decide }: Exploration): Promise<Explored> {
  const names = new Names()
  const waits = new Map<number, Waiting>()
  const first: State = { world: firstWorld(nodes), movers: [], strays: [], left: budget, last: 0 }
  const seen = new Set<string>([names.ofState(first)])
  const stack: { readonly state: State; readonly trace: Trace | undefined }[] = [{ state: first, trace: undefined }]
  let ends = 0
  for (;;) {
    const top = stack.pop()
    if (top === undefined) return { states: seen.size, ends, broken: undefined }
    const waiting: Waiting[] = []
    for (const mover of top.state.movers) {
      const name = names.of(mover)
      const known = waits.get(name) ?? (await advanceMover(mover, nodes, decide))
      waits.set(name, known)
      waiting.push(known)
    }
    let moves = 0
    // What goes well is followed first: mistakes show after all went well for long.
    const steps = [...stepsFrom(top.state, waiting, guards, nodes)].reverse()
    for (const { title, state } of steps) {
      if (!title.startsWith('new')) moves++
      const key = names.ofState(state)
      if (seen.has(key)) continue
      seen.add(key)
      const trace = { title, before: top.trace }
      const what = wrongIn(state.world)
      if (what !== undefined) return { states: seen.size, ends, broken: { what, trace: titlesOf(trace) } }
      stack.push({ state, trace })
    }
    if (moves === 0 && top.state.movers.length > 0) ends++
  }
}

interface Trace {
  readonly title: string
  readonly before: Trace | undefined
}

function titlesOf(trace: Trace | undefined): readonly string[] {
  return trace === undefined ? [] : [...titlesOf(trace.before), trace.title]
}

/** What must never be, whatever happened. */
function wrongIn({ nodes, record, acknowledged }: World): string | undefined {
  const all = Object.entries(nodes)
  const writers = all.filter(([, { up, served, live }]) => up && served && live?.frozen === false)
  if (writers.length > 1) return `two writers: ${writers.map(([name]) => name).join(', ')}`
  const stale = writers.find(([, { live }]) => live?.upTo !== acknowledged)
  if (stale !== undefined) return `${stale[0]} serves a copy without the last acknowledged write`
  const versions = all.flatMap(([, { live, snapshots }]) => [live?.upTo, ...snapshots.map(({ upTo }) => upTo)])
  if (!versions.includes(acknowledged)) return 'the last acknowledged write is nowhere any more'
  const owner = nodes[record.owner]
  if (record.phase === 'idle' && owner?.live?.upTo !== acknowledged) {
    return `${record.owner} owns the volume, without the last acknowledged write`
  }
  if (record.phase === 'idle' && owner?.up === true && !owner.served)
    return `${record.owner} does not serve what it owns`
  return undefined
}
