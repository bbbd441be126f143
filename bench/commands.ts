import { $ } from 'zx'
import { interleave, timed } from './measure.ts'
import type { Row } from './report.ts'
import type { Bench } from './session.ts'

/** What a person waits for at the prompt, beside the start of Node itself. */
export const bench: Bench = {
  title: 'Commands at the prompt, by wall time',
  summary: 'lab --help, status, completion, beside the start of Node itself',
  async run(session) {
    const lab = await session.lab()
    const started = (...args: readonly string[]) => timed(() => lab.run(args))
    const figures = await interleave(
      session.options.rounds ?? 9,
      {
        'node -e 0': () => timed(() => $({ quiet: true, signal: session.signal })`${process.execPath} -e 0`),
        'lab --help': () => started('--help'),
        'lab completion bash': () => started('completion', 'bash'),
        'lab move-volume <tab>': () => started('__complete', '--', 'move-volume', ''),
        'lab status': () => started('status'),
        'lab plan': () => started('plan'),
      },
      session.say,
    )
    const goals: Readonly<Record<string, string>> = { 'lab --help': 'under 150 ms' }
    const floor: Row = { what: 'node -e 0', unit: 'ms', values: figures['node -e 0'] }
    const rows = Object.entries(figures).map(([what, values]): Row => {
      if (what === floor.what) return floor
      const goal = goals[what]
      return { what, unit: 'ms', values, against: floor, ...(goal === undefined ? {} : { goal }) }
    })
    return { rows }
  },
}
