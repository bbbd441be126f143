import type { Paint, Screen } from './style.ts'
import { cut, padEnd, padStart, widthOf } from './text.ts'

/** A column: its heading, and how its cells stand. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut when the table is wider than the screen; the widest such column is cut first. */
  readonly shrink?: boolean
}

/** Text of a cell, with its colour apart so that cutting it is safe. */
export type Cell = string | { readonly text: string; readonly paint: Paint }

const GAP = '   '
const NARROWEST = 6

/** An aligned table without borders, one string a line. Fits the screen as far as its columns may shrink. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], screen: Screen): string[] {
  const widths = fitWidths(columns, rows, screen.columns)
  const line = (cells: readonly Cell[]) =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? ''
        const width = widths[index] ?? 0
        const text = cut(textOf(cell), width)
        const painted = typeof cell === 'string' ? text : cell.paint(text)
        return column.align === 'right' ? padStart(painted, width) : padEnd(painted, width)
      })
      .join(GAP)
      .trimEnd()
  const heading = columns.map(({ title }) => ({ text: title, paint: screen.style.dim }))
  return [...(columns.some(({ title }) => title !== '') ? [line(heading)] : []), ...rows.map(line)]
}

function fitWidths(columns: readonly Column[], rows: readonly (readonly Cell[])[], total: number): number[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(textOf(row[index] ?? '')))),
  )
  let excess = widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1)) - total
  while (excess > 0) {
    const widest = columns.reduce<number | undefined>((best, column, index) => {
      if (column.shrink !== true || (widths[index] ?? 0) <= NARROWEST) return best
      return best === undefined || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best
    }, undefined)
    if (widest === undefined) break
    widths[widest] = (widths[widest] ?? 0) - 1
    excess--
  }
  return widths
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text
}
