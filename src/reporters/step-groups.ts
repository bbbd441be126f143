import type { RunEvent } from '../model/events.ts'
import { formatDuration } from './quantities.ts'
import type { Paint, Screen } from './style.ts'
import { cut, padEnd, printable, spread, widthOf } from './text.ts'

/** What one step did on one node. */
export type StepEvent = Extract<RunEvent, { type: 'step' }>

/** Steps of a play with the same title, outcome and changes, and the nodes they are the same on. */
interface StepGroup {
  readonly step: StepEvent
  readonly nodes: string[]
}

const LONGEST_VALUE = 60

/**
 * A play as it is told when it is over: its name and time, and each step that changed something (or would) once, with
 * the nodes it did so on. A play that changed nothing is not told at all. `full` shows what each change was from and to.
 */
export function renderPlay(
  play: { readonly name: string; readonly nodes: readonly string[]; readonly durationMs: number },
  steps: readonly StepEvent[],
  screen: Screen,
  full = false,
): readonly string[] {
  const told = inPlaces(steps, play.nodes).filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skipped')
  const groups = groupSteps(told)
  if (groups.length === 0) return []
  const { bold, dim } = screen.style
  const heading = spread(bold(printable(play.name)), dim(formatDuration(play.durationMs)), screen.columns)
  return [heading, ...groups.flatMap((group) => renderGroup(group, play.nodes, screen, full))]
}

/** One step as it is told at once: what failed does not wait for the end of its play. */
export function renderStep(step: StepEvent, screen: Screen, full = false): readonly string[] {
  // The message behind the first line comes with the error that ends the command.
  const [title = ''] = step.title.split('\n')
  return renderGroup({ step: { ...step, title }, nodes: [step.node] }, [], screen, full)
}

/** Steps in the order of the play, whichever node came to them first: by how many came before them on their own node. */
function inPlaces(steps: readonly StepEvent[], nodes: readonly string[]): readonly StepEvent[] {
  const counts = new Map<string, number>()
  const placed = steps.map((step) => {
    const place = counts.get(step.node) ?? 0
    counts.set(step.node, place + 1)
    return { step, place, node: nodes.indexOf(step.node) }
  })
  return placed.sort((a, b) => a.place - b.place || a.node - b.node).map(({ step }) => step)
}

function groupSteps(steps: readonly StepEvent[]): readonly StepGroup[] {
  const groups = new Map<string, StepGroup>()
  for (const step of steps) {
    const key = JSON.stringify([step.kind, step.title, step.outcome, step.changes, step.diff])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { step, nodes: [step.node] })
    else group.nodes.push(step.node)
  }
  return [...groups.values()]
}

function renderGroup(
  { step, nodes }: StepGroup,
  all: readonly string[],
  screen: Screen,
  full: boolean,
): readonly string[] {
  const { style } = screen
  const [sign, paint] = signOf(step.outcome, screen)
  const where = nodesText(inOrder(nodes, all), all, Math.floor(screen.columns / 2))
  const remark = step.outcome === 'maybe' ? ' (depends on a change before it)' : ''
  const title = cut(printable(step.title) + remark, screen.columns - widthOf(where) - 6)
  const line = spread(`  ${paint(sign)} ${title}`, style.dim(where), screen.columns)
  // What was done is said by the title; what would be done is shown in full, because somebody decides by it.
  const planned = full || step.outcome === 'would-change' || step.outcome === 'failed'
  return [line, ...(planned ? changeLines(step.changes, screen) : []), ...diffLines(step, screen)]
}

function changeLines(changes: StepEvent['changes'], { style }: Screen): readonly string[] {
  const width = Math.max(...changes.map(({ path }) => widthOf(printable(path))))
  return changes.map(({ path, from, to }) => {
    const before = from === undefined ? '' : `${style.red(value(from))} `
    const after = to === undefined ? 'absent' : value(to)
    return `      ${style.dim(padEnd(printable(path), width))}  ${before}${style.dim('→')} ${style.green(after)}`
  })
}

function value(text: string): string {
  return cut(printable(text), LONGEST_VALUE)
}

function diffLines(step: StepEvent, { style }: Screen): readonly string[] {
  if (step.diff === undefined) return []
  const paintOf = (line: string): Paint =>
    line.startsWith('+')
      ? style.green
      : line.startsWith('-')
        ? style.red
        : line.startsWith('@')
          ? style.cyan
          : style.dim
  return step.diff
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `      ${paintOf(line)(printable(line))}`)
}

function signOf(outcome: StepEvent['outcome'], { style }: Screen): readonly [string, Paint] {
  switch (outcome) {
    case 'failed':
      return ['✗', style.red]
    case 'changed':
    case 'would-change':
      return ['~', style.yellow]
    case 'maybe':
      return ['?', style.yellow]
    case 'ok':
    case 'skipped':
      return ['·', style.dim]
  }
}

/** Nodes as the play names them: they finish in any order. */
function inOrder(nodes: readonly string[], all: readonly string[]): readonly string[] {
  return [...nodes].sort((a, b) => all.indexOf(a) - all.indexOf(b))
}

/** Names of nodes in little room: all of them, or how many. */
export function nodesText(nodes: readonly string[], all: readonly string[], width: number): string {
  const names = nodes.join(' ')
  if (widthOf(names) <= width) return names
  return nodes.length === all.length ? `all ${String(nodes.length)} nodes` : `${String(nodes.length)} nodes`
}
