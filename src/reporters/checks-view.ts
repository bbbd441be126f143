import type { Check } from '../model/check.ts'
import type { Screen } from './style.ts'
import { renderTable } from './table.ts'
import { printable, wrap } from './text.ts'

/** What the host has and lacks, each thing with what was found; what to do about it stands below it. */
export function renderChecks(checks: readonly Check[], screen: Screen): readonly string[] {
  const { style } = screen
  const rows = renderTable(
    [{ title: '' }, { title: '' }],
    checks.map(({ name, ok }) => [{ text: `${ok ? '✓' : '✗'} ${name}`, paint: ok ? style.green : style.red }, '']),
    screen,
  )
  const indent = Math.max(...checks.map(({ name }) => name.length), 0) + 5
  return checks.flatMap(({ ok, name, detail, hint }, index) => {
    const [first = '', ...rest] = wrap(printable(detail), screen.columns - indent)
    const head = (rows[index] ?? '') + ' '.repeat(indent - name.length - 2) + first
    const advice = hint === undefined ? [] : wrap(printable(hint), screen.columns - indent - 2)
    return [
      head,
      ...rest.map((line) => ' '.repeat(indent) + line),
      ...advice.map(
        (line, at) => `${' '.repeat(indent)}${style.cyan(at === 0 ? '→' : ' ')} ${ok ? style.dim(line) : line}`,
      ),
    ]
  })
}
