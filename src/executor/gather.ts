import { randomBytes } from 'node:crypto'
import { familyValue, FactUnavailable, type FactFamily, type FactOutput, type FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'

/** What a host answered to a query: its value, or why it cannot tell. */
export type Answer = { readonly value: unknown } | { readonly unavailable: string }

/** Answers by query key. */
export type Answers = ReadonlyMap<string, Answer>

/** Many queries as one script, and the function that reads what it printed. */
export interface Questionnaire {
  readonly script: string
  read(stdout: string): Answers
}

/** One script on the node: a single query, or all queries of a family. */
type Group =
  | { readonly family: undefined; readonly query: FactQuery<unknown> }
  | { readonly family: FactFamily<unknown>; readonly queries: FactQuery<unknown>[] }

/**
 * Asks each distinct query once, members of a family together, each script in a subshell of its own that can neither
 * break nor end the others. Standard output, error and status are told apart by a word nobody can guess.
 */
export function questionnaire(queries: readonly FactQuery<unknown>[]): Questionnaire {
  const groups = groupQueries(queries)
  const word = `fact-${randomBytes(12).toString('hex')}`
  // Standard output goes straight through; standard error is held in a variable and printed after it.
  const asked = groups.map(
    (group) => `e=$( (eval ${quote(scriptOf(group))}) </dev/null 2>&1 >&3 3>&-)
printf '\\n${word} %s\\n%s\\n${word}\\n' "$?" "$e"`,
  )
  const script = groups.length === 0 ? ':' : `exec 3>&1\n${asked.join('\n')}`
  return { script, read: (stdout) => readAnswers(stdout, word, groups) }
}

function groupQueries(queries: readonly FactQuery<unknown>[]): readonly Group[] {
  const groups = new Map<string, Group>()
  const seen = new Set<string>()
  for (const query of queries) {
    if (seen.has(query.key)) continue
    seen.add(query.key)
    if (query.batch === undefined) {
      groups.set(`query ${query.key}`, { family: undefined, query })
      continue
    }
    const name = `family ${query.batch.family.name}`
    const group = groups.get(name)
    if (group?.family === undefined) groups.set(name, { family: query.batch.family, queries: [query] })
    else group.queries.push(query)
  }
  return [...groups.values()]
}

function scriptOf(group: Group): string {
  return group.family === undefined ? group.query.script : group.family.script(argumentsOf(group.queries))
}

function argumentsOf(queries: readonly FactQuery<unknown>[]): readonly string[] {
  return queries.flatMap(({ batch }) => (batch === undefined ? [] : [batch.argument]))
}

function readAnswers(stdout: string, word: string, groups: readonly Group[]): Answers {
  const answers = new Map<string, Answer>()
  let rest = stdout
  for (const group of groups) {
    const head = `\n${word} `
    const start = rest.indexOf(head)
    const lineEnd = rest.indexOf('\n', start + head.length)
    const end = rest.indexOf(`\n${word}\n`, lineEnd)
    if (start === -1 || lineEnd === -1 || end === -1) {
      for (const key of keysOf(group)) answers.set(key, { unavailable: 'the node stopped answering half-way' })
      continue
    }
    const output: FactOutput = {
      stdout: rest.slice(0, start),
      status: Number(rest.slice(start + head.length, lineEnd)),
      stderr: rest.slice(lineEnd + 1, end),
    }
    rest = rest.slice(end + word.length + 2)
    for (const [key, answer] of answersOf(group, output)) answers.set(key, answer)
  }
  return answers
}

function keysOf(group: Group): readonly string[] {
  return group.family === undefined ? [group.query.key] : group.queries.map(({ key }) => key)
}

function answersOf(group: Group, output: FactOutput): readonly (readonly [string, Answer])[] {
  if (group.family === undefined) {
    const { query } = group
    return [[query.key, attempt(() => query.parse(output))]]
  }
  const { family, queries } = group
  const args = argumentsOf(queries)
  const values = attempt(() => family.parse(output, args))
  return queries.map((query) => [
    query.key,
    'unavailable' in values
      ? values
      : attempt(() => familyValue(family, values.value as ReadonlyMap<string, unknown>, query.batch?.argument ?? '')),
  ])
}

/** A node that cannot tell is an answer; a parser that breaks is an error of the program. */
function attempt(parse: () => unknown): Answer {
  try {
    return { value: parse() }
  } catch (error) {
    if (error instanceof FactUnavailable) return { unavailable: error.message }
    throw error
  }
}
