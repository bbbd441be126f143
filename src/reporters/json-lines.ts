import type { Reporter } from '../model/events.ts'
import type { LineSink } from './plain.ts'

/** Every event as one line of JSON: what `--json` prints for long work. */
export function jsonReporter(output: LineSink): Reporter {
  return {
    on: (event) => {
      output(JSON.stringify(event))
    },
  }
}
