import { randomBytes } from 'node:crypto'
import type { Connection } from '../model/connection.ts'
import { familyValue, FactUnavailable, type FactFamily, type FactOutput, type FactQuery } from '../model/step.ts'
import { markedScript, parseMarked, type ScriptPart } from '../shell/marked-script.ts'

/** What a host answered to a query: its value, why it cannot tell, or why its answer makes no sense. */
export type Answer = { readonly value: unknown } | { readonly unavailable: string } | { readonly broken: string }

/** Longest all questions of a host may take; a tool that hangs must not hang the run. */
const DEADLINE_MS = 60_000

/** Answers by query key. */
export type Answers = ReadonlyMap<string, Answer>

/** Many queries as parts of one script, and the function that reads what the parts printed. */
export interface Questionnaire {
  readonly parts: readonly ScriptPart[]
  read(outputs: readonly (FactOutput | undefined)[]): Answers
}

/** One script on the node: a single query, or all queries of a family. */
type Group =
  | { readonly family: undefined; readonly query: FactQuery<unknown> }
  | { readonly family: FactFamily<unknown>; readonly queries: FactQuery<unknown>[] }

/** Asks each distinct query once, members of a family together. */
export function questionnaire(queries: readonly FactQuery<unknown>[]): Questionnaire {
  const groups = groupQueries(queries)
  return {
    parts: groups.map((group) => ({ text: scriptOf(group) })),
    read: (outputs) => new Map(groups.flatMap((group, index) => answersOf(group, outputs[index]))),
  }
}

/** Puts a questionnaire to a node, in one exec. */
export async function ask(
  connection: Pick<Connection, 'script'>,
  asked: Questionnaire,
  signal?: AbortSignal,
): Promise<Answers> {
  if (asked.parts.length === 0) return new Map()
  const marker = newMarker('fact')
  const script = markedScript(asked.parts, marker)
  const limits = { timeoutMs: DEADLINE_MS, ...(signal === undefined ? {} : { signal }) }
  const ran = await connection.script(script, limits)
  return asked.read(parseMarked(ran, marker, asked.parts.length))
}

/** A word that no output holds by chance or on purpose. */
export function newMarker(prefix: string): string {
  return `${prefix}-${randomBytes(12).toString('hex')}`
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

function keysOf(group: Group): readonly string[] {
  return group.family === undefined ? [group.query.key] : group.queries.map(({ key }) => key)
}

function answersOf(group: Group, output: FactOutput | undefined): readonly (readonly [string, Answer])[] {
  if (output === undefined) {
    const broken = 'the script that asks did not run to its end: a question ended the shell, or the node went down'
    return keysOf(group).map((key) => [key, { broken }])
  }
  if (group.family === undefined) {
    const { query } = group
    return [[query.key, attempt(() => query.parse(output))]]
  }
  const { family, queries } = group
  const args = argumentsOf(queries)
  const values = attempt(() => family.parse(output, args))
  return queries.map((query) => [
    query.key,
    'value' in values
      ? attempt(() => familyValue(family, values.value as ReadonlyMap<string, unknown>, query.batch?.argument ?? ''))
      : values,
  ])
}

/** A node that cannot tell is an answer; so is one that nobody understands: an error of the steps that need it, no other. */
function attempt(parse: () => unknown): Answer {
  try {
    return { value: parse() }
  } catch (error) {
    if (error instanceof FactUnavailable) return { unavailable: error.message }
    return { broken: error instanceof Error ? error.message : String(error) }
  }
}
