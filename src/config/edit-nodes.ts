import { isMap, isSeq, parseDocument, YAMLMap, YAMLSeq, type Document } from 'yaml'
import { UsageError } from '../model/errors.ts'
import { namesOf } from './expand.ts'
import { labFileSchema } from './schema.ts'

/** A node to be written into `lab.yml`, as a user would write it. */
export interface NewNode {
  readonly name: string
  readonly roles: readonly string[]
  /** Such as `2GiB`. */
  readonly memory?: string | undefined
  readonly cpus?: number | undefined
}

/** Pure: the text of a `lab.yml` with one more node; comments and everything else stay. */
export function addNode(text: string, { name, roles, memory, cpus }: NewNode): string {
  const { document, nodes } = read(text)
  const entry: unknown = document.createNode({
    name,
    roles: [...roles],
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
  })
  if (isMap(entry)) entry.flow = true
  nodes.add(entry)
  return write(document, nodes, text)
}

/**
 * Pure: the text of a `lab.yml` without a node. A row of numbered nodes becomes shorter, or two rows where the node is
 * from its middle. Throws a `UsageError` for what is not in the file.
 */
export function removeNodeEntry(text: string, name: string): string {
  const { document, nodes } = read(text)
  for (const [index, item] of nodes.items.entries()) {
    if (!isMap(item)) continue
    const numbering = { name: String(item.get('name')), count: numberOf(item, 'count'), start: numberOf(item, 'start') }
    const at = namesOf(numbering).indexOf(name)
    if (at < 0) continue
    shorten(nodes, index, item, numbering, at)
    return write(document, nodes, text)
  }
  throw new UsageError(`there is no node "${name}" in lab.yml`, { where: 'lab.yml' })
}

function shorten(
  nodes: YAMLSeq,
  index: number,
  item: YAMLMap,
  { count, start = 1 }: { readonly count: number | undefined; readonly start: number | undefined },
  at: number,
): void {
  if (count === undefined || count === 1) {
    nodes.delete(index)
    return
  }
  if (at > 0 && at < count - 1) {
    const rest: unknown = item.clone()
    if (!isMap(rest)) return
    rest.commentBefore = null
    rest.comment = null
    rest.set('count', count - at - 1)
    rest.set('start', start + at + 1)
    nodes.items.splice(index + 1, 0, rest)
    item.set('count', at)
    return
  }
  item.set('count', count - 1)
  if (at === 0) item.set('start', start + 1)
}

function read(text: string): { readonly document: Document; readonly nodes: YAMLSeq } {
  const document = parseDocument(text) as Document
  if (!isMap(document.contents)) document.contents = new YAMLMap()
  const present: unknown = document.get('nodes')
  if (isSeq(present)) return { document, nodes: present }
  // Without a list the classic nodes are meant, and have to be written down to be changed.
  const nodes = new YAMLSeq()
  for (const entry of classicNodes()) {
    const item: unknown = document.createNode(entry)
    if (isMap(item)) item.flow = true
    nodes.add(item)
  }
  document.set('nodes', nodes)
  return { document, nodes }
}

function classicNodes(): readonly object[] {
  return labFileSchema.parse({}).nodes.map(({ name, roles, count, start }) => ({
    name,
    roles,
    ...(count === undefined ? {} : { count }),
    ...(start === undefined ? {} : { start }),
  }))
}

function numberOf(item: YAMLMap, key: string): number | undefined {
  const value: unknown = item.get(key)
  return typeof value === 'number' ? value : undefined
}

/** The document as text. Lines that differ from the user's own in the room within brackets only are the user's own. */
function write(document: Document, nodes: YAMLSeq, before: string): string {
  nodes.flow = false
  const bare = (line: string) => line.replaceAll('[ ', '[').replaceAll(' ]', ']')
  const own = new Map(before.split('\n').map((line) => [bare(line), line]))
  const lines = document.toString({ lineWidth: 0 }).split('\n')
  return lines.map((line) => own.get(bare(line)) ?? line).join('\n')
}
