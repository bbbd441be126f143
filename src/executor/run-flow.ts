import { LabError, toLabError } from '../model/errors.ts'
import { FactUnavailable, type Flow, type Result, type Step } from '../model/step.ts'
import { queriesOf, type Host } from './host.ts'
import { cannotApply, cannotTell } from './step-errors.ts'
import { failedEvent, type HostStep } from './step-event.ts'

/** Runs what one step is made of, on the host or on the one it is delegated to; `later` are the steps after it. */
export async function runFlow(host: Host, entry: HostStep, later: readonly HostStep[]): Promise<void> {
  const { flow, on } = entry.step
  if (on !== undefined) await delegate(host, entry, on)
  else if (flow?.type === 'attempt') await runAttempt(host, entry, flow, later)
  else if (flow?.type === 'given') await runGiven(host, entry, flow, later)
}

async function runAttempt(
  host: Host,
  { play, step }: HostStep,
  flow: Extract<Flow, { type: 'attempt' }>,
  later: readonly HostStep[],
): Promise<void> {
  const placed = (steps: readonly Step[]) => steps.map((each): HostStep => ({ play, step: each }))
  const always = placed(flow.always)
  if (host.options.mode === 'plan') {
    await host.runList([...placed(flow.steps), ...always], later)
    return
  }
  let failure = await failureOf(host, () => host.runList(placed(flow.steps), [...always, ...later]))
  if (failure !== undefined && flow.rescue.length > 0) {
    const { node, emit } = host.options
    emit(failedEvent(node.name, play, failure))
    const [, ...words] = failure.message.split('\n')
    const why = words.length === 0 ? '' : ` (${words.join(' | ')})`
    emit({
      type: 'notice',
      level: 'warning',
      message: `${node.name}: "${step.title}" failed${why}; its rescue follows`,
    })
    failure = await failureOf(host, () => host.runList(placed(flow.rescue), [...always, ...later]))
  }
  await host.runList(always, later)
  if (failure !== undefined) throw failure
}

/** What went wrong, if it is something that other steps on this node can mend. */
async function failureOf(host: Host, work: () => Promise<void>): Promise<LabError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    host.options.signal.throwIfAborted()
    const failure = toLabError(error)
    if (failure.code === 'UNREACHABLE' || failure.code === STOPPED) throw failure
    // What was half done is not what the node answered before.
    host.facts.forget()
    return failure
  }
}

/** Code of the error that ends a whole run because its user said so. */
export const STOPPED = 'STOPPED'

async function runGiven(
  host: Host,
  entry: HostStep,
  flow: Extract<Flow, { type: 'given' }>,
  later: readonly HostStep[],
): Promise<void> {
  const values: Record<string, unknown> = {}
  for (const [name, wanted] of Object.entries(flow.results)) {
    const found = await valueOf(host, entry, wanted, later)
    if (found === 'pending') {
      await host.report(entry, 'maybe', [], 0)
      return
    }
    values[name] = found.value
  }
  let steps: readonly Step[]
  try {
    steps = flow.make(values, host.options.node)
  } catch (error) {
    throw cannotApply(host.place, entry.step, error)
  }
  await host.runList(
    steps.map((step) => ({ play: entry.play, step })),
    later,
  )
}

/** The value of a result on this host; `pending` in a plan in which it may still change. */
async function valueOf(
  host: Host,
  entry: HostStep,
  { from, on, after }: Result<unknown>,
  later: readonly HostStep[],
): Promise<{ readonly value: unknown } | 'pending'> {
  const { mode, pendingSteps, read } = host.options
  if (mode === 'plan' && after.some((step) => pendingSteps.has(step))) return 'pending'
  if ('output' in from) return { value: host.outputs.get(from.output) }
  try {
    if (on !== undefined) return { value: await read(on, from.query) }
    await host.facts.learn([from.query, ...queriesOf(later)])
    const answer = host.facts.answers.get(from.query.key)
    if (answer !== undefined && 'value' in answer) return answer
    if (answer !== undefined && 'unavailable' in answer) throw new FactUnavailable(answer.unavailable)
    throw new LabError('FACT_BROKEN', answer?.broken ?? 'it was not answered')
  } catch (error) {
    host.options.signal.throwIfAborted()
    if (mode === 'plan' && error instanceof FactUnavailable && pendingSteps.size > 0) return 'pending'
    throw cannotTell(host.place, entry.step, error instanceof Error ? error.message : String(error))
  }
}

/** Does a step on another node, under that node's lock, and counts it for this one. */
async function delegate(host: Host, { play, step }: HostStep, on: string): Promise<void> {
  const { node, onBehalfOf = node.name } = host.options
  const title = on === onBehalfOf ? step.title : `${step.title} (on ${on})`
  const here: { -readonly [K in keyof Step]: Step[K] } = { ...step, title }
  delete here.on
  delete here.when
  const done = await host.runElsewhere(on, { play, step: here })
  for (const printed of done.outputs.values()) host.outputs.set(step, printed)
  for (const count of ['ok', 'changed', 'maybe', 'skipped'] as const) host.recap[count] += done.recap[count]
}
