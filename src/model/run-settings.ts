import type { Command } from './command.ts'
import type { Step } from './step.ts'

/** How a step runs what it was given to run. */
export interface RunSettings {
  /** Environment variables; other processes of the node can read them: nothing secret. */
  readonly env?: Readonly<Record<string, string>>
  /** Directory it runs in. @default / for what has a `unit`, else the home of root */
  readonly cwd?: string
  /** Milliseconds after which it is ended, which is an error. @default 180000 */
  readonly timeoutMs?: number
  /** Set for what takes longer than a moment: name of the transient systemd unit that outlives a lost connection. */
  readonly unit?: string
  /** Steps whose result `unless` looks at: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** Pure: the part of a command that its settings decide. */
export function settingsOf({ env, cwd, timeoutMs, unit }: RunSettings): Omit<Command, 'argv'> {
  return {
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(unit === undefined ? {} : { unit }),
  }
}
