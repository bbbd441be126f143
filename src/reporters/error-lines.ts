import type { RunEvent } from '../model/events.ts'
import type { Screen } from './style.ts'
import { printable } from './text.ts'

type ErrorEvent = Extract<RunEvent, { type: 'error' }>

/** A failure for people: where, what and why, then what to type or do next. */
export function renderError(event: ErrorEvent, { style }: Screen): readonly string[] {
  const [first = '', ...rest] = event.message.split('\n').map(printable)
  const where = event.where === undefined || event.message.includes(event.where) ? '' : `${printable(event.where)}: `
  const hints = event.hint?.split('\n').map(printable) ?? []
  return [
    `${style.red(style.bold('✗'))} ${where}${first}`,
    ...rest.map((line) => `  ${line}`),
    ...hints.map((line, index) => `  ${style.cyan(index === 0 ? '→' : ' ')} ${line}`),
  ]
}
