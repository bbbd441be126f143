import { makeNarrator } from './narrator.ts'
import type { FullRun, PastRun, RunComparison, RunDifference } from './past-runs.ts'
import { formatDuration } from './quantities.ts'
import { renderStep } from './step-groups.ts'
import type { Paint, Screen } from './style.ts'
import { renderTable, type Cell } from './table.ts'
import { printable } from './text.ts'

/** Runs of the past, the latest first. */
export function renderRuns(runs: readonly PastRun[], screen: Screen): readonly string[] {
  if (runs.length === 0) return ['no run is on record yet']
  const columns = [
    { title: 'RUN', align: 'right' as const },
    { title: 'WHEN' },
    { title: 'COMMAND', shrink: true },
    { title: 'TOOK', align: 'right' as const },
    { title: 'RESULT', shrink: true },
  ]
  const rows = runs.map((run): readonly Cell[] => [
    String(run.number),
    { text: when(run.at), paint: screen.style.dim },
    printable(run.command),
    { text: formatDuration(run.durationMs), paint: screen.style.dim },
    resultCell(run, screen),
  ])
  return renderTable(columns, rows, screen)
}

/** One run as it was told, with every change in full. */
export function renderRun(run: FullRun, screen: Screen): readonly string[] {
  let now = 0
  const shown = { ...screen, columns: Math.min(screen.columns, 100) }
  const narrator = makeNarrator(
    () => shown,
    () => now,
    true,
  )
  const told = run.events.flatMap((event) => {
    now = event.atMs
    const lines = narrator.lines(event)
    // The heading says it all, and how it ended as well.
    return event.type === 'run-started' ? [] : lines
  })
  const cutOff = run.outcome === 'cut-off' ? [screen.style.red('✗ cut off here: the process was ended')] : []
  return [heading(run, screen), '', ...told, ...narrator.flush(), ...cutOff]
}

/** What two runs did not do alike: `-` is the first one's, `+` the second one's. */
export function renderDifferences({ first, second, differences }: RunComparison, screen: Screen): readonly string[] {
  const { dim, red, green } = screen.style
  const width = { ...screen, columns: Math.min(screen.columns, 100) - 2 }
  const side = (sign: string, step: RunDifference['first']) =>
    step === undefined || step.outcome === 'ok' || step.outcome === 'skipped'
      ? []
      : renderStep(step, width, true).map((line) => `${sign} ${line}`)
  const lines = differences.flatMap((each) => [...side(red('-'), each.first), ...side(green('+'), each.second)])
  return [
    `${red('-')} ${heading(first, screen)}`,
    `${green('+')} ${heading(second, screen)}`,
    '',
    ...(lines.length === 0 ? [dim('no step went another way')] : lines),
  ]
}

function heading(run: PastRun, screen: Screen): string {
  const { bold, dim } = screen.style
  const cell = resultCell(run, screen)
  const result = typeof cell === 'string' ? cell : cell.paint(cell.text)
  const about = `${when(run.at)}  ${formatDuration(run.durationMs)}`
  return `${bold(`run ${String(run.number)}`)}  lab ${printable(run.command)}  ${dim(about)}  ${result}`
}

function resultCell(run: PastRun, { style }: Screen): Cell {
  const cell = (text: string, paint: Paint) => ({ text, paint })
  if (run.outcome === 'cut-off') return cell('cut off', style.red)
  if (run.outcome === 'failed') return cell(`failed: ${printable(run.error ?? '')}`, style.red)
  const planned = run.command === 'plan' || run.command.endsWith('--check')
  if (run.changed === 0) return cell(planned ? 'nothing would change' : 'done', style.dim)
  return cell(`${String(run.changed)} ${planned ? 'would change' : 'changed'}`, style.yellow)
}

/** Date and time of this machine's own zone, to the second. */
function when(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return ''
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}
