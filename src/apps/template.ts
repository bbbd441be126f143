import Handlebars from 'handlebars'
import { InvalidFileError } from '../model/errors.ts'
import type { Params } from './params.ts'

/**
 * Renders a Compose template. `{{name}}` is a parameter (or a var of lab.yml), `{{json name}}` the same quoted for YAML.
 * Strict: a name that is nowhere set is a problem of the file, with its line.
 */
export function renderTemplate(file: string, text: string, values: Params): string {
  const handlebars = Handlebars.create()
  handlebars.registerHelper('json', (value: unknown) => JSON.stringify(value))
  try {
    return handlebars.compile(text, { strict: true, noEscape: true })(values)
  } catch (error) {
    throw templateProblem(file, text, error)
  }
}

/** What Handlebars objects to, as a problem of the user's file. */
function templateProblem(file: string, text: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const missing = /^"(.+)" not defined in .*? - (\d+):(\d+)$/s.exec(error.message)
  if (missing !== null) {
    const [, name = '', line, column] = missing
    return new InvalidFileError(
      [{ file, line: Number(line), column: Number(column) + 1, message: `"${name}" has no value` }],
      `give it a default in params.yml, or set it under vars: in lab.yml`,
    )
  }
  const syntax = /^Parse error on line (\d+):\n([\s\S]*)$/.exec(error.message)
  if (syntax !== null) {
    const [, line = '1', detail = ''] = syntax
    const expecting = detail.split('\n').at(-1) ?? detail
    return new InvalidFileError([{ file, line: Number(line), column: 1, message: `template: ${expecting}` }])
  }
  const positioned = /^([\s\S]*?) - (\d+):(\d+)$/.exec(error.message)
  if (positioned !== null) {
    const [, message = '', line, column] = positioned
    return new InvalidFileError([{ file, line: Number(line), column: Number(column) + 1, message }])
  }
  const lines = text.split('\n').length
  return new InvalidFileError([{ file, line: Math.min(1, lines), column: 1, message: error.message }])
}

/**
 * For each line of the rendered text the line of the template it most likely came from, so that a problem is shown where
 * the user can mend it. Lines are matched in order; what matches nothing takes the line after the last match.
 */
export function templateLines(template: string, rendered: string): readonly number[] {
  const patterns = template.split('\n').map(linePattern)
  let next = 0
  return rendered.split('\n').map((line) => {
    const ahead = patterns.findIndex((pattern, index) => index >= next && pattern?.test(line) === true)
    // A loop renders one line of the template again and again: look back as well.
    const found = ahead >= 0 ? ahead : patterns.findLastIndex((pattern) => pattern?.test(line) === true)
    if (found < 0) return Math.min(next + 1, patterns.length)
    next = found + 1
    return found + 1
  })
}

/** What a line of the template can look like once rendered; undefined for a line that renders to nothing by itself. */
function linePattern(line: string): RegExp | undefined {
  if (/^\s*\{\{~?[#/^!>].*\}\}\s*$/.test(line) || /^\s*\{\{~?else\b.*\}\}\s*$/.test(line)) return undefined
  const literal = line.split(/\{\{.*?\}\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`)
}
