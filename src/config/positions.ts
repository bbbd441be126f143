import { isAlias, isMap, isPair, isScalar, isSeq, type Document, type LineCounter, type Node, type Pair } from 'yaml'

/** Where something stands in a file; both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Part of an entry that a problem is about. */
export type Part = 'key' | 'value'

/**
 * Where the entry at `path` stands in a YAML document: its key or its value. What is not there has the position of the
 * nearest thing around it.
 */
export function locate(document: Document, lines: LineCounter, path: readonly PropertyKey[], part: Part): Position {
  let node: unknown = document.contents
  let offset = offsetOf(node) ?? 0
  for (const [index, step] of path.entries()) {
    const container = isAlias(node) ? node.resolve(document) : node
    const pair = isMap(container) ? findPair(container.items, step) : undefined
    const next = isSeq(container) ? container.items[Number(step)] : pair?.value
    const wantsKey = part === 'key' && index === path.length - 1
    offset = (wantsKey ? undefined : offsetOf(next)) ?? offsetOf(pair?.key) ?? offset
    if (next === undefined || next === null) break
    node = next
  }
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function findPair(items: readonly unknown[], key: PropertyKey): Pair | undefined {
  return items.filter((item) => isPair(item)).find((pair) => keyText(pair.key) === String(key))
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
