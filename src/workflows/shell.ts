import { unknownName } from '../model/names.ts'
import { attach, type LocalStreams } from './attach.ts'
import type { OpenLab } from './open-lab.ts'

/** What to run on which node. */
export interface ShellOptions {
  readonly node: string
  /**
   * Absent or empty: a login shell. One word alone is a line for the node's shell (`'uname -a; id'`), as with ssh; more
   * are a command and its arguments, which no shell touches.
   */
  readonly command?: readonly string[] | undefined
}

/** A shell or a command on a node, on a terminal of its own if there is one here. Returns its exit status. */
export async function shell(lab: OpenLab, options: ShellOptions, streams: LocalStreams): Promise<number> {
  const names = lab.spec.nodes.map(({ name }) => name)
  if (!names.includes(options.node)) throw unknownName('node', options.node, names)
  const connection = await lab.connect(options.node)
  const argv = commandOf(options.command ?? [])
  return attach(connection, argv.length === 0 ? undefined : { argv }, streams, lab.signal)
}

/** Pure: the argument vector to run; empty for a login shell. */
export function commandOf(words: readonly string[]): readonly string[] {
  const [line] = words
  return words.length === 1 && line !== undefined ? ['sh', '-c', line] : words
}
