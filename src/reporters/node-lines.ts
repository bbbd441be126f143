import type { LabError } from '../model/errors.ts'
import type { Style } from './style.ts'
import { padEnd, printable, widthOf } from './text.ts'

type End = { readonly node: string; readonly status: number } | { readonly node: string; readonly error: LabError }

/** How lines of many nodes are told apart. */
export interface NodeLines {
  line(line: { readonly node: string; readonly stream: 'stdout' | 'stderr'; readonly line: string }): string
  /** What is said of a node where the command did not succeed; nothing where it did. */
  failure(end: End): readonly string[]
  /** The end of a command as a document. */
  ended(end: End): Readonly<Record<string, unknown>>
}

/** Lines of these nodes, each with the name of its own before it. */
export function nodeLines(
  nodes: readonly string[],
  styles: { readonly stdout: Style; readonly stderr: Style },
): NodeLines {
  const width = Math.max(0, ...nodes.map(widthOf))
  return {
    line: ({ node, stream, line }) => {
      const { cyan, yellow } = styles[stream]
      return `${(stream === 'stdout' ? cyan : yellow)(`${padEnd(node, width)} |`)} ${printable(line)}`.trimEnd()
    },
    failure: (end) => {
      const { red, cyan } = styles.stderr
      if ('status' in end) return end.status === 0 ? [] : [`${red('✗')} ${end.node}: exited with ${String(end.status)}`]
      const { message, hint } = end.error
      return [
        `${red('✗')} ${end.node}: ${printable(message)}`,
        ...(hint === undefined ? [] : [`  ${cyan('→')} ${printable(hint)}`]),
      ]
    },
    ended: (end) => {
      if ('status' in end) return { node: end.node, status: end.status }
      const { code, message, hint } = end.error
      return { node: end.node, error: { code, message, ...(hint === undefined ? {} : { hint }) } }
    },
  }
}
