import type * as z from 'zod'
import { nearest } from '../model/names.ts'
import { knownKeys } from './json-schema.ts'
import type { Part } from './positions.ts'

/** A problem found at a path of the file, before it has a line. */
export interface PathProblem {
  readonly path: readonly PropertyKey[]
  readonly part: Part
  readonly message: string
}

/** What the schema found wrong, in words a user of lab.yml understands. `value` is the whole file. */
export function describeIssue(issue: z.core.$ZodIssue, value: unknown): readonly PathProblem[] {
  const key = issue.path.findLast((step) => typeof step === 'string')
  const subject = key === undefined ? 'the file' : `"${key}"`
  const inList = typeof issue.path.at(-1) === 'number'
  const found = valueAt(value, issue.path)
  const at = (message: string): readonly PathProblem[] => [{ path: issue.path, part: 'value', message }]

  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((unknown) => ({
        path: [...issue.path, unknown],
        part: 'key',
        message: `unknown key "${unknown}"; ${suggest(unknown, knownKeys(issue.path))}`,
      }))
    case 'invalid_value':
      return at(
        typeof found === 'string'
          ? `unknown ${singular(key)} "${found}"; ${suggest(found, issue.values.map(String))}`
          : `${subject} must be ${inList ? 'a list of' : 'one of'} ${issue.values.map(String).join(', ')}, not ${shown(found)}`,
      )
    case 'invalid_type':
      if (found === undefined) return at(`${subject} is missing`)
      return at(
        `${inList ? `an entry of ${subject}` : subject} must be ${TYPES[issue.expected] ?? issue.expected}, not ${shown(found)}`,
      )
    case 'too_small':
      if (issue.origin === 'array') return at(`${subject} is an empty list: leave it out or fill it`)
      return at(`${subject} must be at least ${String(issue.minimum)}, not ${shown(found)}`)
    case 'too_big':
      return at(`${subject} must be at most ${String(issue.maximum)}, not ${shown(found)}`)
    case 'invalid_union':
      return at(`${subject}: ${issue.message}, not ${shown(found)}`)
    default:
      return at(`${subject}: ${issue.message}`)
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a set of keys and values',
  record: 'a set of keys and values',
}

function suggest(typed: string, known: readonly string[]): string {
  const near = nearest(typed, known)
  return near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`
}

function singular(key: PropertyKey | undefined): string {
  return String(key ?? 'value').replace(/s$/, '')
}

/** A value as it may be shown in a message: short, with its kind where the kind is what is wrong. */
function shown(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a set of keys and values'
  if (typeof value !== 'string') return JSON.stringify(value)
  return `the text "${value.length > 40 ? `${value.slice(0, 39)}…` : value}"`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value
  for (const step of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[step]
  return at
}
