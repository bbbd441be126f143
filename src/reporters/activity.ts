import type { RunEvent } from '../model/events.ts'
import { count, formatDuration } from './quantities.ts'
import type { Screen } from './style.ts'
import { nodesText } from './step-groups.ts'
import { cut, printable, spread, widthOf } from './text.ts'

/** What runs right now. */
export interface Activity {
  on(event: RunEvent): void
  /** The lines that show it, at most `rows` of them; none when nothing runs. */
  render(screen: Screen, rows: number): readonly string[]
}

interface RunningTask {
  readonly title: string
  readonly node: string | undefined
  readonly started: number
  line: string
}

interface RunningPlay {
  readonly name: string
  readonly nodes: readonly string[]
  readonly started: number
  steps: number
  changed: number
  last: string
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100

/** Follows events to know what runs. `now` is a clock in milliseconds. */
export function followActivity(now: () => number): Activity {
  const tasks = new Map<string, RunningTask>()
  let play: RunningPlay | undefined

  return {
    on: (event) => {
      switch (event.type) {
        case 'task-started':
          tasks.set(event.task, { title: event.title, node: event.node, started: now(), line: '' })
          break
        case 'task-progress': {
          const task = tasks.get(event.task)
          if (task !== undefined) task.line = event.line
          break
        }
        case 'task-finished':
          tasks.delete(event.task)
          break
        case 'play-started':
          play = { name: event.play, nodes: event.nodes, started: now(), steps: 0, changed: 0, last: '' }
          break
        case 'step':
          if (play === undefined) break
          play.steps++
          if (event.outcome !== 'ok') play.changed++
          play.last = `${event.node}  ${event.title}`
          break
        case 'recap':
        case 'done':
        case 'error':
          play = undefined
          break
        default:
      }
    },
    render: (screen, rows) => {
      const spinner = FRAMES[Math.floor(now() / FRAME_MS) % FRAMES.length] ?? ''
      const entries = [
        ...(play === undefined ? [] : [renderPlay(play, now(), spinner, screen)]),
        ...[...tasks.values()].map((task) => renderTask(task, now(), spinner, screen)),
      ]
      return fit(entries, rows, screen)
    },
  }
}

function renderPlay(play: RunningPlay, at: number, spinner: string, screen: Screen): readonly string[] {
  const { style } = screen
  const nodes = nodesText(play.nodes, play.nodes, screen.columns - widthOf(play.name) - 16)
  const counts = `${count(play.steps, 'step')}, ${String(play.changed)} changed`
  const detail = play.last === '' ? nodes : `${counts} · ${play.last}`
  return [
    headline(`${style.bold(printable(play.name))}  ${style.dim(nodes)}`, at - play.started, spinner, screen),
    `  ${style.dim(cut(printable(detail), screen.columns - 2))}`,
  ]
}

function renderTask(task: RunningTask, at: number, spinner: string, screen: Screen): readonly string[] {
  const named = task.node === undefined || task.title.includes(task.node) ? task.title : `${task.node}  ${task.title}`
  const title = cut(printable(named), screen.columns - 14)
  return [
    headline(title, at - task.started, spinner, screen),
    ...(task.line === '' ? [] : [`  ${screen.style.dim(cut(printable(task.line), screen.columns - 2))}`]),
  ]
}

function headline(text: string, elapsedMs: number, spinner: string, { columns, style }: Screen): string {
  const time = elapsedMs < 1000 ? '' : style.dim(formatDuration(Math.floor(elapsedMs / 1000) * 1000).replace('.0', ''))
  return spread(`${style.cyan(spinner)} ${text}`, time, columns)
}

/** As much as fits: first without details, then without the rest, which is counted. */
function fit(entries: readonly (readonly string[])[], rows: number, { style }: Screen): readonly string[] {
  if (entries.flat().length <= rows) return entries.flat()
  const heads = entries.map(([head = '']) => head)
  if (heads.length <= rows) return heads
  return [...heads.slice(0, rows - 1), style.dim(`  and ${String(heads.length - rows + 1)} more`)]
}
