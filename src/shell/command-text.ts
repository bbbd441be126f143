import type { Command } from '../model/command.ts'
import { quote, quoteAll } from './quote.ts'

/**
 * A command, without its standard input, as one line of POSIX shell that replaces the shell it runs in.
 * Whoever sends this as the argument of a shell makes it readable to every process of the node: nothing secret is in it.
 */
export function commandText(command: Pick<Command, 'argv' | 'env' | 'cwd'>): string {
  const directory = command.cwd === undefined ? '' : `cd -- ${quote(command.cwd)} && `
  const variables = Object.entries(command.env ?? {}).map(
    ([name, value]) => `export ${checkVariable(name)}=${quote(value)} && `,
  )
  return `${directory}${variables.join('')}exec ${quoteAll(command.argv)}`
}

/**
 * A command with its standard input, as a line for a script that itself arrives on standard input: the input passes
 * through the shell's own memory and a pipe, and shows up in no argument vector, no environment and no file.
 */
export function commandTextWithInput(command: Pick<Command, 'argv' | 'env' | 'cwd' | 'stdin'>): string {
  const text = `( ${commandText(command)} )`
  if (command.stdin === undefined) return `${text} </dev/null`
  if (typeof command.stdin === 'string' && !command.stdin.includes('\0')) {
    return `printf %s ${quote(command.stdin)} | ${text}`
  }
  return `printf %s ${Buffer.from(command.stdin).toString('base64')} | base64 -d | ${text}`
}

function checkVariable(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name
  throw new RangeError(`"${name}" is not the name of an environment variable`)
}
