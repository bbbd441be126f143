import type { HostRecap, RunEvent } from '../../src/model/events.ts'
import { makeNarrator } from '../../src/reporters/narrator.ts'
import { makeStyle } from '../../src/reporters/style.ts'

/** Width of the terminal of these tests. */
export const COLUMNS = 80
export const screen = { columns: COLUMNS, style: makeStyle(false) }
export const host = (counts: Partial<HostRecap>): HostRecap => ({
  ok: 0,
  changed: 0,
  maybe: 0,
  failed: 0,
  skipped: 0,
  ...counts,
})

/** All lines a run is told in; the clock advances 400 ms an event. */
export function told(events: readonly RunEvent[], color = false): string {
  let clock = 0
  const narrator = makeNarrator(
    () => ({ columns: COLUMNS, style: makeStyle(color) }),
    () => clock,
  )
  const lines = events.flatMap((event) => {
    clock += 400
    return narrator.lines(event)
  })
  return `\n${[...lines, ...narrator.flush()].join('\n')}\n`
}

export const step = (
  node: string,
  title: string,
  rest: Partial<Extract<RunEvent, { type: 'step' }>> = {},
): RunEvent => ({
  type: 'step',
  node,
  play: 'Base',
  kind: 'file',
  title,
  outcome: 'changed',
  changes: [],
  durationMs: 12,
  ...rest,
})

export const nodes = ['mgmt', 'node1', 'node2', 'node3']
