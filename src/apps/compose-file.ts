import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import { InvalidFileError, type Problem } from '../model/errors.ts'
import { aliasProblems, MOST_ALIASES } from '../model/yaml-aliases.ts'

/** Steps from the top of a YAML document to an entry: keys and list indexes. */
export type Path = readonly (string | number)[]

/** Something wrong at an entry of the Compose file, before it has a line. */
export interface Finding {
  readonly path: Path
  /** Which half of the entry it is about. */
  readonly part: 'key' | 'value'
  readonly message: string
}

/** One YAML file of an app, with the place of everything in it. */
export interface ComposeFile {
  /** Absolute path on this machine. */
  readonly path: string
  /** As messages name it. */
  readonly shown: string
  /** What the engine's tools are given: the file, or what its template rendered to. */
  readonly text: string
  /** The parsed content, YAML merges (`<<`) resolved. */
  readonly value: unknown
  readonly document: Document
  /** Line of the user's file for each line of `text`, where they differ. */
  readonly lineMap: readonly number[] | undefined
  readonly lines: LineCounter
}

/** Parses a file; throws `InvalidFileError` with every syntax error at once. */
export function parseComposeFile(source: {
  readonly path: string
  readonly shown: string
  readonly text: string
  readonly lineMap?: readonly number[]
}): ComposeFile {
  const lines = new LineCounter()
  const document = parseDocument(source.text, { merge: true, lineCounter: lines, prettyErrors: false })
  const file = { ...source, lineMap: source.lineMap, document, lines, value: undefined }
  const problems = [
    ...document.errors.map((error) => ({ ...place(file, error.pos[0]), message: error.message })),
    ...aliasProblems(document).map(({ offset, message }) => ({ ...place(file, offset), message })),
  ]
  if (problems.length > 0) throw new InvalidFileError(problems)
  const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES })
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidFileError([
      { ...place(file, 0), message: 'a Compose file is a set of keys: services, volumes, ...' },
    ])
  }
  return { ...file, value }
}

/** Findings as problems with line and column, in the order of the file, each once. Later files win over earlier ones. */
export function toProblems(files: readonly ComposeFile[], findings: readonly Finding[]): readonly Problem[] {
  const problems = new Map<string, Problem>()
  for (const finding of findings) {
    const problem = { ...locate(files, finding.path, finding.part), message: finding.message }
    problems.set(`${problem.file}:${String(problem.line)}: ${problem.message}`, problem)
  }
  return [...problems.values()].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column)
}

/** Where an entry stands: in the file that has most of its path, the last such file; else at the nearest thing around it. */
export function locate(files: readonly ComposeFile[], path: Path, part: 'key' | 'value'): Omit<Problem, 'message'> {
  let best: { readonly depth: number; readonly at: Omit<Problem, 'message'> } | undefined
  for (const file of files) {
    const { depth, offset } = find(file.document, path, part)
    if (best === undefined || depth >= best.depth) best = { depth, at: place(file, offset) }
  }
  return best?.at ?? { file: 'compose.yml', line: 1, column: 1 }
}

/** Where a stretch of the text first stands in one of the files; undefined when in none. */
export function locateText(files: readonly ComposeFile[], pattern: RegExp): Omit<Problem, 'message'> | undefined {
  for (const file of files) {
    const index = file.text.search(pattern)
    if (index >= 0) return place(file, index)
  }
  return undefined
}

function place(file: Pick<ComposeFile, 'shown' | 'lines' | 'lineMap'>, offset: number): Omit<Problem, 'message'> {
  const { line, col } = file.lines.linePos(offset)
  const row = Math.max(line, 1)
  return { file: file.shown, line: file.lineMap?.[row - 1] ?? row, column: Math.max(col, 1) }
}

function find(document: Document, path: Path, part: 'key' | 'value'): { depth: number; offset: number } {
  let node: unknown = document.contents
  let offset = offsetOf(node) ?? 0
  for (const [index, step] of path.entries()) {
    const container = resolve(document, node)
    const pair = isMap(container) ? findPair(document, container, String(step)) : undefined
    const item = isSeq(container) ? itemAt(container.items, step) : undefined
    const next = pair?.value ?? item
    const found = pair !== undefined || item !== undefined
    if (!found) return { depth: index, offset }
    const wantsKey = part === 'key' && index === path.length - 1
    offset = (wantsKey ? undefined : offsetOf(next)) ?? offsetOf(pair?.key) ?? offset
    node = next
  }
  return { depth: path.length, offset }
}

/** An item by its index, or in a list of `NAME=value` the item of that name. */
function itemAt(items: readonly unknown[], step: string | number): unknown {
  if (typeof step === 'number') return items[step]
  return items.find((item) => isScalar(item) && String(item.value).split(/[=:]/)[0] === step)
}

interface KeyValue {
  readonly key: unknown
  readonly value: unknown
}

function findPair(document: Document, map: { readonly items: readonly unknown[] }, key: string): KeyValue | undefined {
  const pairs = map.items.filter((item) => isPair(item))
  const own = pairs.find((pair) => keyText(pair.key) === key)
  if (own !== undefined) return own
  for (const merge of pairs.filter((pair) => isMerge(pair.key))) {
    const value = resolve(document, merge.value)
    for (const source of isSeq(value) ? value.items : [value]) {
      const merged = resolve(document, source)
      const found = isMap(merged) ? findPair(document, merged, key) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

function resolve(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node
}

/** With merges on, the parser gives the key of one a symbol for its value. */
function isMerge(key: unknown): boolean {
  return isScalar(key) && (key.value === '<<' || (typeof key.value === 'symbol' && key.value.description === '<<'))
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
