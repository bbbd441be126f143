import { toLabError, UsageError } from '../model/errors.ts'
import { leafSteps } from '../model/flow.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import { unknownName } from '../model/names.ts'
import { nodesNamed } from '../model/node-names.ts'
import type { Play, Step } from '../model/step.ts'
import type { HostStep } from './step-event.ts'

/** Which part of the plays to run. */
export interface Selection {
  /** Names of nodes, groups or roles; all nodes when absent. */
  readonly limit?: readonly string[] | undefined
  /** Only plays with one of these tags, or of that name; all when absent. */
  readonly tags?: readonly string[] | undefined
  /** Title of the step to begin with, or what it starts with; those before it are left out. */
  readonly startAt?: string | undefined
}

/** A play, the nodes it is for and their steps: all that is known before anything is asked. */
export interface ChosenPlay {
  readonly play: Play
  readonly steps: ReadonlyMap<string, readonly Step[]>
}

/** Pure: what of the plays is to be run where. Throws `UsageError` for names, tags and titles that are not there. */
export function choosePlays(
  plays: readonly Play[],
  nodes: readonly NodeSpec[],
  { limit, tags, startAt }: Selection,
): { readonly plays: readonly ChosenPlay[]; readonly nodes: readonly NodeSpec[] } {
  const chosen = limit === undefined ? nodes : nodesNamed(limit, nodes)
  const resolved = tagged(plays, tags).map((play): ChosenPlay => {
    const members = membersOf(play, nodes).filter((node) => chosen.includes(node))
    const stepsOf = (node: NodeSpec) => (typeof play.steps === 'function' ? play.steps(node) : play.steps)
    return { play, steps: new Map(members.map((node) => [node.name, stepsOf(node)])) }
  })
  checkDelegates(resolved, nodes)
  return { plays: startAt === undefined ? resolved : from(startAt, resolved), nodes: chosen }
}

/** The nodes a play is for. */
function membersOf({ name, hosts }: Play, nodes: readonly NodeSpec[]): readonly NodeSpec[] {
  if (typeof hosts === 'function') return nodes.filter((node) => hosts(node))
  try {
    return nodesNamed(typeof hosts === 'string' ? [hosts] : hosts, nodes)
  } catch (error) {
    const { message, code, hint } = toLabError(error)
    throw new UsageError(message, { where: `hosts of "${name}"`, hint, cause: error }, code)
  }
}

/** Steps of a node, ready to be run. */
export function hostSteps({ play, steps }: ChosenPlay, node: string): readonly HostStep[] {
  return (steps.get(node) ?? []).map((step) => ({ play: play.name, step }))
}

/** Plays between which hosts do not wait for each other. */
export function stagesOf(plays: readonly ChosenPlay[]): readonly (readonly ChosenPlay[])[] {
  const stages: ChosenPlay[][] = []
  const together = ({ play }: ChosenPlay) => play.serial === undefined && play.maxFail === undefined
  for (const chosen of plays) {
    const last = stages.at(-1)
    const joins = chosen.play.independent === true && together(chosen) && last?.every(together) === true
    if (joins) last.push(chosen)
    else stages.push([chosen])
  }
  return stages
}

function tagged(plays: readonly Play[], tags: readonly string[] | undefined): readonly Play[] {
  if (tags === undefined || tags.length === 0) return plays
  const namesOf = (play: Play) => [...(play.tags ?? []), play.name]
  const known = [...new Set(plays.flatMap((play) => play.tags ?? []))]
  for (const tag of tags) {
    if (!plays.some((play) => namesOf(play).includes(tag))) throw unknownName('tag', tag, known)
  }
  return plays.filter((play) => namesOf(play).some((name) => tags.includes(name)))
}

function checkDelegates(plays: readonly ChosenPlay[], nodes: readonly NodeSpec[]): void {
  const names = nodes.map(({ name }) => name)
  const steps = plays.flatMap((chosen) => [...chosen.steps.values()].flat())
  for (const { on } of leafSteps(steps))
    if (on !== undefined && !names.includes(on)) throw unknownName('node', on, names)
}

/** Leaves out what comes before the first step of this title: whole plays, and in its own play the steps before it. */
function from(title: string, plays: readonly ChosenPlay[]): readonly ChosenPlay[] {
  const titles = [
    ...new Set(plays.flatMap(({ steps }) => leafSteps([...steps.values()].flat()).map((each) => each.title))),
  ]
  const found = titles.find((each) => each === title) ?? titles.find((each) => each.startsWith(title))
  if (found === undefined) {
    if (titles.length === 0) throw new UsageError(`there is no step to start at: the plays have none`)
    throw unknownName('step', title, titles)
  }
  const first = plays.findIndex(({ steps }) =>
    leafSteps([...steps.values()].flat()).some((each) => each.title === found),
  )
  return plays.slice(first).map((chosen, index) => {
    if (index > 0) return chosen
    const steps = [...chosen.steps].map(([node, all]) => [node, stepsFrom(found, all) ?? all] as const)
    return { ...chosen, steps: new Map(steps) }
  })
}

/** Undefined where no step has the title. */
function stepsFrom(title: string, steps: readonly Step[]): readonly Step[] | undefined {
  for (const [index, step] of steps.entries()) {
    if (step.title === title) return steps.slice(index)
    if (step.flow?.type !== 'attempt') continue
    const { flow } = step
    const rest = steps.slice(index + 1)
    const inner = stepsFrom(title, flow.steps)
    if (inner !== undefined) return [{ ...step, flow: { ...flow, steps: inner } }, ...rest]
    const always = stepsFrom(title, flow.always)
    if (always !== undefined) return [{ ...step, flow: { ...flow, steps: [], always } }, ...rest]
  }
  return undefined
}
