import type { Command } from 'commander'

/**
 * The command that is to run elsewhere, out of the words behind the name that `exec` and `ssh` take. Options of lab's own
 * may stand before it, with `--` behind them or without; they are among `command.opts()` then.
 */
export function commandWords(command: Command, words: readonly string[]): readonly string[] {
  const { operands, unknown } = command.parseOptions([...words])
  const [wrong] = unknown
  if (wrong === undefined) return operands
  if (wrong === '--help' || wrong === '-h') return command.help()
  return command.error(`error: unknown option '${wrong}'`)
}
