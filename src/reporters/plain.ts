import type { Reporter } from '../model/events.ts'
import { makeNarrator } from './narrator.ts'
import { printable } from './text.ts'
import type { Style } from './style.ts'

/** Takes one line, without its end. */
export type LineSink = (line: string) => void

const COLUMNS = 79

/** One line after another, for files and pipes: the start of each piece of work, then its end. */
export function plainReporter(output: LineSink, errors: LineSink, style: Style): Reporter {
  const narrator = makeNarrator(
    () => ({ columns: COLUMNS, style }),
    () => performance.now(),
  )
  return {
    on: (event) => {
      if (event.type === 'error') narrator.flush().forEach(output)
      narrator.lines(event).forEach(event.type === 'error' ? errors : output)
      if (event.type === 'task-started') output(`${style.dim('…')} ${printable(event.title)}`)
      if (event.type === 'play-started')
        output(`${style.dim('…')} ${printable(event.play)} on ${event.nodes.join(' ')}`)
    },
    close: () => {
      narrator.flush().forEach(output)
    },
  }
}
