import type { Command, ExecResult } from '../model/command.ts'
import { LabError } from '../model/errors.ts'
import { hiddenValues } from '../model/hidden-values.ts'
import type { FactOutput } from '../model/step.ts'
import { commandTextWithInput } from '../shell/command-text.ts'
import { markedScript, parseMarked, type ScriptPart } from '../shell/marked-script.ts'
import { inUnit, WAITED } from '../shell/transient-unit.ts'
import { newMarker, type Questionnaire } from './gather.ts'
import { LOCK_FD, takeLock } from './node-lock.ts'

/** What an apply script printed. */
export interface ApplyResult {
  /** In order, as far as they ran: those after a failed one did not. */
  readonly commands: readonly (FactOutput | undefined)[]
  /** Nothing was run: another run holds the node's lock, or had it since the facts were read. */
  readonly refused: { readonly lockedBy: string } | 'stale' | undefined
  /** What the questions were answered; empty when a command failed. */
  readonly answers: readonly (FactOutput | undefined)[]
}

/** What a run knows of a node's lock. */
export interface Lock {
  /** Name of this change. */
  readonly holder: string
  /** Who had the lock last when the facts were read. */
  readonly lastSeen: string
}

/** One script that makes changes and looks again. */
export interface ApplyScript {
  readonly script: string
  /** Longest it can take when every deadline inside is kept. */
  readonly timeoutMs: number
  read(ran: Pick<ExecResult, 'stdout' | 'stderr'>): ApplyResult
}

/** Deadline of a command that names none: nothing that takes longer is meant to run outside a unit of its own. */
const DEFAULT_TIMEOUT_MS = 180_000

/**
 * The commands, one after the other until one fails, then the questions: all in one exec, under the node's lock, which
 * ends with the script. Standard input of each command travels inside, so that no secret is ever an argument.
 */
export function applyScript(commands: readonly Command[], questions: Questionnaire, lock: Lock): ApplyScript {
  const parts: readonly ScriptPart[] = [
    { text: takeLock(lock.holder, lock.lastSeen), essential: true, inMainShell: true },
    ...commands.map((command) => ({ text: commandPart(command), essential: true })),
    ...questions.parts,
  ]
  const marker = newMarker('apply')
  return {
    script: markedScript(parts, marker),
    timeoutMs: commands.reduce((sum, command) => sum + timeoutOf(command) + 40_000, 60_000),
    read: (ran) => {
      const [taken, ...outputs] = parseMarked(ran, marker, parts.length)
      return {
        commands: outputs.slice(0, commands.length),
        refused: refusal(taken),
        answers: outputs.slice(commands.length),
      }
    },
  }
}

function refusal(taken: FactOutput | undefined): ApplyResult['refused'] {
  if (taken === undefined || taken.status === 0) return undefined
  return taken.status === WAITED ? 'stale' : { lockedBy: taken.stdout.trim() }
}

/** What a command starts must not inherit the lock: this script waits for its end anyway. */
function commandPart(command: Command): string {
  const { unit } = command
  if (unit !== undefined) return `exec ${LOCK_FD}>&-\n${commandTextWithInput(inUnit({ ...command, unit }))}`
  const seconds = String(Math.ceil(timeoutOf(command) / 1000))
  const bounded = { ...command, argv: ['timeout', '-k', '10', seconds, ...command.argv] }
  return `exec ${LOCK_FD}>&-\n${commandTextWithInput(bounded)}`
}

/** Longest a command may take, in milliseconds. */
export function timeoutOf(command: Command): number {
  return command.timeoutMs ?? DEFAULT_TIMEOUT_MS
}

/** Throws `LabError` for a secret where every process of the node can read it. */
export function refuseSecretArguments(command: Command): void {
  const { argv, env = {}, cwd = '', secrets = [] } = command
  const readable = [...argv, ...Object.values(env), cwd]
  for (const secret of [...secrets, ...hiddenValues()]) {
    if (secret !== '' && readable.some((word) => word.includes(secret))) {
      throw new LabError('SECRET_IN_ARGV', `a secret stands in the arguments or environment of "${argv[0] ?? ''}"`, {
        hint: 'give it on standard input',
      })
    }
  }
}
