import { cpus, release, totalmem } from 'node:os'
import { median } from './measure.ts'

/** One figure: the values it is the median of, and what it is compared with. */
export interface Row {
  readonly what: string
  readonly unit: 'ms' | 'MiB' | '%' | 'count'
  readonly values: readonly number[]
  /** The figure of the same run this one is divided by. */
  readonly against?: Row
  /** What the project wants it to be, as text: nothing is asserted. */
  readonly goal?: string
}

/** What a bench found. */
export interface Report {
  readonly bench: string
  readonly title: string
  readonly rows: readonly Row[]
  /** What a reader has to know to judge the figures. */
  readonly notes: readonly string[]
}

/** The figures as a table for people. */
export function table({ title, rows, notes }: Report): string {
  const cells = [
    ['', 'MEDIAN', 'RANGE', 'OF', 'RATIO', 'GOAL'],
    ...rows.map((row) => [
      row.what,
      amount(median(row.values), row.unit),
      row.values.length === 1 ? '' : range(row),
      String(row.values.length),
      row.against === undefined ? '' : `${ratio(row, row.against).toFixed(2)} × ${row.against.what}`,
      row.goal ?? '',
    ]),
  ]
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? []
  const right = new Set([1, 2, 3])
  const lines = cells.map((line) =>
    line
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  )
  return [title, ...lines, ...notes.map((note) => `  ${note}`), ''].join('\n')
}

/** The figures for programs: one JSON document. */
export function json({ bench, title, rows, notes }: Report): string {
  return JSON.stringify({
    type: 'bench',
    bench,
    title,
    machine: {
      cpus: cpus().length,
      memoryMiB: Math.round(totalmem() / 2 ** 20),
      kernel: release(),
      node: process.version,
    },
    rows: rows.map((row) => ({
      what: row.what,
      unit: row.unit,
      median: median(row.values),
      values: row.values,
      ...(row.against === undefined ? {} : { ratio: ratio(row, row.against), against: row.against.what }),
      ...(row.goal === undefined ? {} : { goal: row.goal }),
    })),
    notes,
  })
}

function ratio(row: Row, against: Row): number {
  return median(row.values) / median(against.values)
}

function range({ values, unit }: Row): string {
  return `${amount(Math.min(...values), unit)} – ${amount(Math.max(...values), unit)}`
}

function amount(value: number, unit: Row['unit']): string {
  if (unit === 'MiB') return `${value.toFixed(value < 10 ? 1 : 0)} MiB`
  if (unit === '%') return `${value.toFixed(1)} %`
  if (unit === 'count') return value.toFixed(Number.isInteger(value) ? 0 : 1)
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`
}
