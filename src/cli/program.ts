import { Command, type CommanderError } from 'commander'
import { UsageError } from '../model/errors.ts'
import { nearest } from '../model/names.ts'
import { parseSize } from '../model/sizes.ts'
import type { Style } from '../reporters/style.ts'
import type { Io } from './io.ts'
import { styleOf } from './io.ts'
import type { Session } from './session.ts'

/** What a command's file gets to register itself with. */
export interface Cli {
  readonly io: Io
  readonly session: Session
  readonly program: Command
  /** A command as users type it: `scale <service> <replicas>`. */
  command(usage: string, help: CommandHelp): Command
  /** A word that commands of their own stand behind: `volume`, before `volume list`. */
  group(name: string, help: CommandHelp): Cli
  /** Commands behind one that does something by itself. */
  below(command: Command): Cli
}

/** What a command's help says. */
export interface CommandHelp {
  /** What it does, in the few words that fit a line of `lab --help`. */
  readonly summary: string
  /** What else is to be known, for its own help. */
  readonly more?: string
  /** It has no lab, and so no `--lab`. */
  readonly labless?: true
  /** Command lines, each with a remark behind two spaces or none. */
  readonly examples: readonly string[]
}

/** A command's file: `register` adds it. */
export type Register = (cli: Cli) => void

/** The program without its commands: how help looks, and errors that are thrown, not printed. */
export function createProgram(io: Io, session: Session): Cli {
  const program = new Command('lab')
  const quiet = { writeErr: () => undefined, outputError: () => undefined }
  const style = styleOf(io.stdout, io.env)
  program
    .description('A real cluster on one machine: nodes, an engine, a registry, a network, volumes that move, logs.')
    .usage('COMMAND [ARGUMENTS]')
    .option('-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      getOutHelpWidth: () => (io.stdout.isTTY ? Math.min(io.stdout.columns, 100) : 80),
      // Whether there are colours was decided by `style`; Commander shall not decide again.
      getOutHasColors: () => true,
      ...quiet,
    })
    .configureHelp({
      styleTitle: (title) => style.bold(title),
      styleCommandText: style.cyan,
      styleSubcommandText: style.cyan,
      styleOptionText: style.cyan,
      styleArgumentText: style.cyan,
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .addHelpText('after', `\nEvery command has its own help, with an example: lab COMMAND --help`)

  return cliOf(io, session, program, program, style)
}

function cliOf(io: Io, session: Session, program: Command, parent: Command, style: Style): Cli {
  const add = (usage: string, { summary, more, examples }: CommandHelp): Command =>
    parent
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${more === undefined ? '' : ` ${more}`}`)
      .allowExcessArguments(false)
      .addHelpText('after', `\n${style.bold('Examples:')}\n${exampleLines(examples, style).join('\n')}`)
  return {
    io,
    session,
    program,
    command: (usage, help) => {
      const command = add(usage, help).option('--json', 'print JSON, for scripts')
      if (help.labless) return command
      return command.option('--lab <directory>', 'the lab of that directory, not of this one', labDirectory)
    },
    group: (name, help) => {
      const group = add(name, help).usage('COMMAND [ARGUMENTS]').helpCommand(false)
      return cliOf(io, session, program, group, style)
    },
    below: (command) => cliOf(io, session, program, command, style),
  }
}

/** An empty one, like that of a variable nobody has set, would be this directory. */
function labDirectory(text: string): string {
  if (text !== '') return text
  throw new UsageError('--lab names no directory', {
    hint: 'give one, or leave --lab out for the lab of this directory',
  })
}

function exampleLines(examples: readonly string[], style: Style): readonly string[] {
  const parts = examples.map((example) => example.split(/ {2,}/))
  const width = Math.max(...parts.map(([command = '']) => command.length))
  return parts.map(([command = '', remark = '']) =>
    `  ${style.cyan(command)}${' '.repeat(width - command.length)}   ${style.dim(remark)}`.trimEnd(),
  )
}

function argumentTerm(argument: Command['registeredArguments'][number]): string {
  const name = `${argument.name().toUpperCase()}${argument.variadic ? '...' : ''}`
  return argument.required ? name : `[${name}]`
}

/** What Commander found wrong with the arguments, as a `UsageError`; undefined when it ended for help. */
export function usageError(error: CommanderError, program: Command, argv: readonly string[]): UsageError | undefined {
  if (error.exitCode === 0) return undefined
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const command = typedCommand(program, argv)
  const typed = commandWords(command)
  if (error.code === 'commander.unknownCommand') {
    return unknownCommand(command, argv.filter((word) => !word.startsWith('-')).at(typed.length - 1) ?? '')
  }
  const help = `${typed.join(' ')} --help`
  // A group alone: Commander would print its help as an error.
  if (error.code === 'commander.help') {
    return new UsageError(`which command of ${typed.slice(1).join(' ')}? ${namesBelow(command).join(', ')}`, {
      hint: help,
    })
  }
  const near = /\(Did you mean (?:one of )?(.+)\?\)/.exec(suggestion ?? '')?.[1]
  return new UsageError(message, { hint: near === undefined ? help : `did you mean ${near}? See ${help}` })
}

/** Prints the help of the command that words name, like `volume list`; without words, of lab. */
export function printHelp(program: Command, words: readonly string[]): void {
  const command = typedCommand(program, words)
  const unknown = words[commandWords(command).length - 1]
  if (unknown !== undefined) throw unknownCommand(command, unknown)
  command.outputHelp()
}

function unknownCommand(group: Command, unknown: string): UsageError {
  const near = nearest(unknown, namesBelow(group))
  return new UsageError(
    `unknown command '${unknown}'`,
    { hint: near === undefined ? `${commandWords(group).join(' ')} --help` : `did you mean "${near}"?` },
    'UNKNOWN_COMMAND',
  )
}

/** What may stand behind a word, without what is for machines only. */
function namesBelow(group: Command): readonly string[] {
  return group.commands.map((each) => each.name()).filter((name) => !name.startsWith('_'))
}

/** The command that a command line names, as far as its words lead. */
function typedCommand(program: Command, argv: readonly string[]): Command {
  let command = program
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined) return command
    command = next
  }
  return command
}

/** `lab`, `volume`, `list` */
function commandWords(command: Command): readonly string[] {
  return command.parent === null ? [command.name()] : [...commandWords(command.parent), command.name()]
}

/** Reads a whole number from `least` up; for arguments of commands. */
export function wholeNumber(what: string, least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    const range = `${String(least)} ${most === Number.MAX_SAFE_INTEGER ? 'up' : `to ${String(most)}`}`
    throw new UsageError(`"${text}" is not ${what}: give a whole number from ${range}`)
  }
}

/** Reads a list with commas; for options that may also be given several times. */
export function list(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',').filter((word) => word !== '')
  if (words.length === 0) throw new UsageError('a list that names nothing', { hint: 'leave the option out for all' })
  return [...before, ...words]
}

/** Reads `key=value` into what was given before. */
export function keyValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError(`"${text}" is not a parameter: write it as key=value`)
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

/** Reads a pause like `2s`, `1.5s` or `1500ms` into milliseconds. */
export function pause(text: string): number {
  const [, count, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(text) ?? []
  if (count === undefined) throw new UsageError(`"${text}" is not a pause: write it like 2s or 1500ms`)
  return Math.round(Number(count) * (unit === 's' ? 1000 : 1))
}

/** Reads a size like `2GiB`, `512M` or `1073741824`; more than nothing. */
export function size(text: string): number {
  const bytes = parseSize(text)
  if (bytes !== undefined && bytes > 0) return bytes
  throw new UsageError(`"${text}" is not a size: write it like 2GiB or 512MiB`)
}
