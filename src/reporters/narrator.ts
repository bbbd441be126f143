import type { RunEvent } from '../model/events.ts'
import { EVENT_FORMATS } from './event-lines.ts'
import { renderRecap } from './recap.ts'
import type { Screen } from './style.ts'
import { renderPlay, renderStep, type StepEvent } from './step-groups.ts'

/** Tells events as lines that stay: what a terminal scrolls by and what a log file holds. */
export interface Narrator {
  lines(event: RunEvent): readonly string[]
  /** What was held back for the end of a play. */
  flush(): readonly string[]
}

interface OpenPlay {
  readonly name: string
  readonly nodes: readonly string[]
  readonly started: number
  readonly steps: StepEvent[]
}

/** A narrator for one run. `now` is a clock in milliseconds; `full` shows what each change was from and to. */
export function makeNarrator(screen: () => Screen, now: () => number, full = false): Narrator {
  let planned = false
  let headings = 0
  let play: OpenPlay | undefined
  // Whether what was told last ends with an empty line.
  let spaced = false

  const endPlay = (): readonly string[] => {
    const ended = play
    play = undefined
    return ended === undefined
      ? []
      : renderPlay({ ...ended, durationMs: now() - ended.started }, ended.steps, screen(), full)
  }

  const tell = (event: RunEvent): readonly string[] => {
    switch (event.type) {
      case 'play-started': {
        const before = endPlay()
        play = { name: event.play, nodes: event.nodes, started: now(), steps: [] }
        return before
      }
      case 'step':
        if (event.outcome === 'failed') return renderStep(event, screen(), full)
        if (play?.name === event.play) {
          play.steps.push(event)
          return []
        }
        return event.outcome === 'ok' ? [] : renderStep(event, screen(), full)
      case 'recap':
        return [...endPlay(), ...renderRecap(event, planned, screen())]
      case 'run-started':
        planned = event.command === 'plan' || event.command.endsWith('--check')
        return [...endPlay(), ...(headings++ > 0 ? [''] : []), ...EVENT_FORMATS['run-started'](event, screen())]
      case 'error':
      case 'done':
      case 'summary':
      case 'deployed':
      case 'scaled':
      case 'moved':
      case 'promoted':
      case 'snapshot-saved':
      case 'snapshot-restored':
      case 'snapshot-deleted':
      case 'pruned':
        return [...endPlay(), ...format(event, screen())]
      default:
        return format(event, screen())
    }
  }

  return {
    lines: (event) => {
      const all = tell(event)
      // Nothing was told of the run between its heading and its recap: one empty line is enough.
      const lines = event.type === 'recap' && spaced && all[0] === '' ? all.slice(1) : all
      if (lines.length > 0) spaced = lines.at(-1) === ''
      else if (event.type === 'play-started' || event.type === 'task-started') spaced = false
      return lines
    },
    flush: endPlay,
  }
}

/** The compiler cannot see that an event and the format of its own type belong together. */
function format(
  event: Exclude<RunEvent, { type: 'step' | 'play-started' | 'recap' }>,
  screen: Screen,
): readonly string[] {
  const formatter = EVENT_FORMATS[event.type] as (told: typeof event, screen: Screen) => readonly string[]
  return formatter(event, screen)
}
