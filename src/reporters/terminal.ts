import { createLogUpdate } from 'log-update'
import type { Reporter, RunEvent } from '../model/events.ts'
import { followActivity } from './activity.ts'
import { makeNarrator } from './narrator.ts'
import type { Style } from './style.ts'

/** The part of a terminal's output stream that lab uses. */
export type TerminalStream = NodeJS.WriteStream

const REDRAW_MS = 100
const WIDEST = 100

/**
 * Live progress on a terminal: what is over scrolls by, what runs stands below with its time, redrawn in place.
 * Errors go to `errors`, so that they are seen when the output is redirected.
 */
export function terminalReporter(output: TerminalStream, errors: TerminalStream, style: Style): Reporter {
  const screen = () => ({ columns: Math.min(output.columns, WIDEST) - 1, style })
  const now = () => performance.now()
  const narrator = makeNarrator(screen, now)
  const activity = followActivity(now)
  const live = createLogUpdate(output)

  const draw = () => {
    const lines = activity.render(screen(), Math.max(1, output.rows - 2))
    live(lines.join('\n'))
  }
  const timer = setInterval(draw, REDRAW_MS)
  timer.unref()

  const stay = (lines: readonly string[], stream: TerminalStream) => {
    if (lines.length === 0) return
    live.clear()
    stream.write(`${lines.join('\n')}\n`)
  }

  return {
    on: (event: RunEvent) => {
      activity.on(event)
      if (event.type === 'error') {
        stay(narrator.flush(), output)
        stay(narrator.lines(event), errors)
      } else stay(narrator.lines(event), output)
      // Lines of progress come in floods; the timer shows the last one.
      if (event.type !== 'task-progress' && event.type !== 'step') draw()
    },
    close: () => {
      clearInterval(timer)
      live.clear()
      stay(narrator.flush(), output)
      live.done()
    },
  }
}
