import { randomBytes } from 'node:crypto'
import type { Command } from '../model/command.ts'
import { LabError } from '../model/errors.ts'
import { NODE_PATHS } from '../model/names.ts'
import { quote, quoteAll } from '../shell/quote.ts'
import type { Questionnaire } from './gather.ts'

/** How a command of an apply script ended. */
export interface CommandResult {
  readonly status: number
  /** Standard output and error together, as they came. */
  readonly output: string
}

/** What an apply script printed. */
export interface ApplyResult {
  /** In order; those after a failed one did not run. */
  readonly results: readonly CommandResult[]
  /** Set when another run holds the node's lock: who. */
  readonly lockedBy: string | undefined
  /** What the questionnaire printed, for its `read`; undefined when the script did not get there. */
  readonly answers: string | undefined
}

/** One script that makes changes and looks again. */
export interface ApplyScript {
  readonly script: string
  read(stdout: string): ApplyResult
}

/** How long a run waits for the lock of another one that is at work on the node. */
const LOCK_WAIT_SECONDS = 30
/** Longest a command under a unit of its own may take, when it gives no deadline. */
const UNIT_DEADLINE_MS = 600_000

/**
 * The commands, one after the other until one fails, then the questions: all in one exec, under the node's lock. The
 * script is one compound command: a shell that got only a part of it runs nothing. Standard input of each command is
 * carried inside, so that no secret is ever an argument.
 */
export function applyScript(commands: readonly Command[], questions: Questionnaire, holder: string): ApplyScript {
  const word = `apply-${randomBytes(12).toString('hex')}`
  const lock = `${NODE_PATHS.run}/lock`
  const lines = [
    '{',
    `mkdir -p -m 0755 ${NODE_PATHS.run}`,
    `exec 8>>${lock}`,
    `if ! flock -w ${String(LOCK_WAIT_SECONDS)} 8; then printf '${word} locked %s\\n' "$(cat ${lock})"; exit 0; fi`,
    `printf '%s\\n' ${quote(holder)} >${lock}`,
    ...commands.map((command) => runOne(command, word)),
    `printf '${word} answers\\n'`,
    questions.script,
    'exit 0',
    '}',
  ]
  return { script: `${lines.join('\n')}\n`, read: (stdout) => readResult(stdout, word) }
}

function runOne(command: Command, word: string): string {
  const stdin =
    command.stdin === undefined
      ? ''
      : `printf %s ${quote(Buffer.from(command.stdin).toString('base64'))} | base64 -d | `
  // Without an input of its own a command would read the script.
  const empty = command.stdin === undefined ? ' </dev/null' : ''
  return `o=$(${stdin}( exec 8>&-; ${invocation(command)} ) 2>&1${empty}); s=$?
printf '${word} result %s\\n%s\\n${word} end\\n' "$s" "$o"
[ "$s" = 0 ] || exit 0`
}

function invocation(command: Command): string {
  refuseSecretArguments(command)
  const environment = Object.entries(command.env ?? {}).map(([name, value]) => `export ${name}=${quote(value)}; `)
  const directory = command.cwd === undefined ? '' : `cd ${quote(command.cwd)} && `
  if (command.unit !== undefined) return underUnit(command, command.unit)
  const deadline = command.timeoutMs === undefined ? [] : ['timeout', String(Math.ceil(command.timeoutMs / 1000))]
  return `${environment.join('')}${directory}${quoteAll([...deadline, ...command.argv])}`
}

/**
 * Under a transient unit: losing the connection does not stop it, and a unit of that name that is at work already is
 * waited for, not doubled. Its output goes to a file, for a pipe would break with the connection.
 */
function underUnit(command: Command, unit: string): string {
  const log = `${NODE_PATHS.run}/units/${unit}.log`
  const seconds = String(Math.ceil((command.timeoutMs ?? UNIT_DEADLINE_MS) / 1000))
  const input = `${NODE_PATHS.run}/units/${unit}.in`
  const start = quoteAll([
    'systemd-run',
    '--quiet',
    '--wait',
    '--collect',
    `--unit=${unit}`,
    `--property=RuntimeMaxSec=${seconds}`,
    `--property=StandardOutput=append:${log}`,
    `--property=StandardError=append:${log}`,
    `--property=StandardInput=file:${input}`,
    ...(command.cwd === undefined ? [] : [`--working-directory=${command.cwd}`]),
    ...Object.entries(command.env ?? {}).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    ...command.argv,
  ])
  const save = command.stdin === undefined ? `: >${quote(input)}` : `cat >${quote(input)}`
  return `umask 077; mkdir -p ${NODE_PATHS.run}/units
case $(systemctl is-active ${quote(unit)}) in active|activating)
  echo "waiting for ${unit}, at work since an earlier run"
  while case $(systemctl is-active ${quote(unit)}) in active|activating) ;; *) false ;; esac; do sleep 0.2; done
esac
${save}; : >${quote(log)}
${start}; s=$?; rm -f ${quote(input)}; cat ${quote(log)}; exit $s`
}

function refuseSecretArguments(command: Command): void {
  for (const secret of command.secrets ?? []) {
    if (secret !== '' && command.argv.some((argument) => argument.includes(secret))) {
      throw new LabError('SECRET_IN_ARGV', `a secret stands in the arguments of "${command.argv[0] ?? ''}"`, {
        hint: 'give it on standard input',
      })
    }
  }
}

function readResult(stdout: string, word: string): ApplyResult {
  const locked = new RegExp(`^${word} locked (.*)$`, 'm').exec(stdout)
  if (locked !== null) return { results: [], lockedBy: locked[1] ?? '', answers: undefined }
  const results: CommandResult[] = []
  let rest = stdout
  for (;;) {
    const head = new RegExp(`^${word} (?:result (\\d+)|answers)\\n`, 'm').exec(rest)
    if (head === null) return { results, lockedBy: undefined, answers: undefined }
    rest = rest.slice(head.index + head[0].length)
    if (head[1] === undefined) return { results, lockedBy: undefined, answers: rest }
    const tail = `\n${word} end\n`
    const end = rest.indexOf(tail)
    if (end === -1) return { results, lockedBy: undefined, answers: undefined }
    results.push({ status: Number(head[1]), output: rest.slice(0, end) })
    rest = rest.slice(end + tail.length)
  }
}
