import type { Readable } from 'node:stream'
import pLimit from 'p-limit'
import { readLines } from '../logs/lines.ts'
import { toLabError, type LabError } from '../model/errors.ts'
import { nodesNamed, withGroups } from '../model/node-names.ts'
import type { OpenLab } from './open-lab.ts'
import { commandOf } from './shell.ts'

/** What to run where. */
export interface ShOptions {
  /** Names of nodes, groups or roles; all nodes when absent. */
  readonly on?: readonly string[] | undefined
  /** One word alone is a line for the nodes' shell; more are a command and its arguments. */
  readonly command: readonly string[]
}

/** A line that a node printed. */
export interface NodeLine {
  readonly node: string
  readonly stream: 'stdout' | 'stderr'
  readonly line: string
}

/** How the command ended on a node: with a status, or not at all. */
export type NodeEnd =
  { readonly node: string; readonly status: number } | { readonly node: string; readonly error: LabError }

/** Nodes that work at a time. */
const NODES_AT_ONCE = 32

/** Runs one command on many nodes at once; every line is told as it comes. Ctrl-C ends the command everywhere. */
export async function sh(
  lab: OpenLab,
  options: ShOptions,
  tell: (line: NodeLine) => void,
): Promise<readonly NodeEnd[]> {
  const argv = commandOf(options.command)
  const nodes = nodesNamed(options.on ?? ['all'], withGroups(lab.spec.nodes, lab.spec.groups))
  const atOnce = pLimit(NODES_AT_ONCE)
  const ends = await Promise.all(
    nodes.map(({ name: node }) =>
      atOnce(async (): Promise<NodeEnd> => {
        try {
          return { node, status: await runOn(lab, node, argv, tell) }
        } catch (error) {
          return { node, error: toLabError(error) }
        }
      }),
    ),
  )
  lab.signal.throwIfAborted()
  return ends
}

async function runOn(
  lab: OpenLab,
  node: string,
  argv: readonly string[],
  tell: (line: NodeLine) => void,
): Promise<number> {
  const connection = await lab.connect(node)
  const running = await connection.spawn({ argv }, { signal: lab.signal })
  // Nobody is at its input: a command that asks something gets no answer instead of waiting for one.
  running.stdin.on('error', () => undefined)
  running.stdin.end()
  const lines = async (stream: NodeLine['stream'], from: Readable) => {
    for await (const line of readLines(from)) tell({ node, stream, line })
  }
  const [status] = await Promise.all([running.exit, lines('stdout', running.stdout), lines('stderr', running.stderr)])
  return status
}
