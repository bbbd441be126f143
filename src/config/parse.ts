import { LineCounter, parseDocument } from 'yaml'
import { InvalidFileError } from '../model/errors.ts'
import type { LabSpec, PortRange } from '../model/lab-spec.ts'
import { MOST_ALIASES } from '../model/yaml-aliases.ts'
import { expandNode } from './expand.ts'
import { expandGroups } from './groups.ts'
import { readLink } from './links.ts'
import { describeIssue, type PathProblem } from './issue-text.ts'
import { locate } from './positions.ts'
import { ruleProblems } from './rules.ts'
import { labFileSchema } from './schema.ts'
import { syntaxProblems } from './syntax.ts'

/** How a file is named in messages, and the lab's name when the file gives none. */
export interface ParseOptions {
  readonly file: string
  readonly defaultName: string
  /** Where relative paths in the file start; the working directory when absent. */
  readonly directory?: string
}

/** The text of a `lab.yml` as a complete spec. Throws `InvalidFileError` with every problem there is. */
export function parseLab(text: string, options: ParseOptions): LabSpec {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const syntax = syntaxProblems(document, lines, options.file)
  if (!syntax.readable) throw new InvalidFileError(syntax.problems)

  const raw: unknown = document.toJS({ maxAliasCount: MOST_ALIASES }) ?? {}
  const file = isRecord(raw) ? withoutEmpty(raw) : raw
  const result = labFileSchema.safeParse(file)
  const found: readonly PathProblem[] = [
    ...(result.success ? [] : result.error.issues.flatMap((issue) => describeIssue(issue, file))),
    ...(isRecord(file) ? ruleProblems(file) : []),
  ]
  const problems = [
    ...syntax.problems,
    ...found.map(({ path, part, message }) => ({
      file: options.file,
      ...locate(document, lines, path, part),
      message,
    })),
  ].sort((a, b) => a.line - b.line || a.column - b.column)
  if (problems.length > 0 || !result.success) throw new InvalidFileError(problems)

  const { edge, volumes, name, groups, links, networks = {}, ssh, ...rest } = result.data
  const every = { provider: rest.provider, ssh, directory: options.directory ?? '.' }
  const nodes = result.data.nodes.flatMap((entry) => expandNode(entry, every))
  return {
    ...rest,
    name: name ?? options.defaultName,
    nodes,
    ...(Object.keys(networks).length === 0 ? {} : { networks }),
    ...(links === undefined ? {} : { links: links.map(readLink) }),
    ...(groups === undefined ? {} : { groups: expandGroups(groups, nodes) }),
    edge: { port: edge.port, ports: withHttp(edge.ports) },
    volumes: { driver: volumes.driver, poolSizeBytes: volumes.poolSize },
  }
}

/** `edge.port` leads to port 80 of the edge, so 80 is published whatever else is. */
function withHttp(ports: readonly PortRange[]): readonly PortRange[] {
  return ports.some(({ first, last }) => first <= 80 && 80 <= last) ? ports : [{ first: 80, last: 80 }, ...ports]
}

/** A key with nothing behind it (`vars:`) is as good as no key; a network with nothing behind it is one. */
function withoutEmpty(file: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(file)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => {
        if (!isRecord(value) || key === 'vars') return [key, value]
        if (key !== 'networks') return [key, withoutEmpty(value)]
        return [key, Object.fromEntries(Object.entries(value).map(([name, network]) => [name, network ?? {}]))]
      }),
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
