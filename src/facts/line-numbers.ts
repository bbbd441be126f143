import { createHash, randomBytes } from 'node:crypto'
import type { FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** What to look for in a file, line by line. */
export type LinePattern =
  /** The whole line. May be secret: it is in no argument. */
  | { readonly equal: string }
  /** A POSIX extended regular expression, as `grep -E` takes it. */
  | { readonly matching: string }

/** Status of the script where there is no regular file. */
const NO_FILE = 3

/** Status of the script where a pattern is none. */
const BAD_PATTERN = 4

// Keys stand in messages, and a line may be secret: its digest alone would let a short one be guessed.
const SALT = randomBytes(16)

/** Numbers of lines, counted from 1, by the name of the pattern they are like. */
export type LineNumbers = ReadonlyMap<string, readonly number[]>

/**
 * Numbers of the lines of a file that are like each of some named patterns; undefined where there is no such file. Only
 * numbers leave the node.
 */
export function lineNumbers(
  path: string,
  patterns: Readonly<Record<string, LinePattern | undefined>>,
): FactQuery<LineNumbers | undefined> {
  const entries = Object.entries(patterns).flatMap(([name, pattern]) =>
    pattern === undefined ? [] : [{ name, pattern }],
  )
  const digest = createHash('sha256').update(SALT).update(JSON.stringify(entries)).digest('hex').slice(0, 16)
  return {
    key: `lines:${path}:${digest}`,
    script: [
      `export LC_ALL=C; file=${quote(path)}`,
      `[ -f "$file" ] || exit ${String(NO_FILE)}`,
      ...entries.map(({ pattern }) => `${search(pattern)}\necho ${SECTION}`),
    ].join('\n'),
    parse({ status, stdout, stderr }) {
      if (status === NO_FILE) return undefined
      if (status !== 0) throw new Error(stderr.trim() || `looking at the lines of ${path} ended with ${String(status)}`)
      const found = sections(stdout).map((numbers) => numbers.map(Number))
      return new Map(entries.map(({ name }, index) => [name, found[index] ?? []]))
    },
  }
}

function search(pattern: LinePattern): string {
  if ('equal' in pattern) {
    return `printf '%s\\n' ${quote(pattern.equal)} | grep -anxF -f - -- "$file" | cut -d: -f1`
  }
  const expression = quote(pattern.matching)
  const check = `printf '' | grep -E -e ${expression}; [ $? -lt 2 ] || exit ${String(BAD_PATTERN)}`
  return `${check}\ngrep -anE -e ${expression} -- "$file" | cut -d: -f1`
}
