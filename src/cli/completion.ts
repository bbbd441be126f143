import type { Command, Option } from 'commander'

/** A word that may stand next, and what it means. */
export interface Candidate {
  readonly word: string
  readonly summary: string
}

/** Where names come from that only the lab knows. Whatever cannot be asked right now answers with nothing. */
export type NameSource = (kind: NameKind) => Promise<readonly string[]>

/** Kinds of names, called as the arguments of commands are. */
export type NameKind = 'service' | 'node' | 'volume' | 'app' | 'target' | 'run' | 'saved'

/** Words with a fixed set of values, by the name of their argument. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  shell: ['bash', 'zsh', 'fish'],
  action: ['show', 'diff'],
}

/** Kinds of names of arguments that are lists. */
const LISTS: Readonly<Record<string, NameKind>> = { numbers: 'run', volumes: 'volume', nodes: 'node' }

/** Kinds of names of the values of options, as the option writes them. A target is a node, a group or a role. */
const VALUES: Readonly<Record<string, NameKind>> = {
  '<node>': 'node',
  '<node-names>': 'node',
  '<nodes>': 'target',
  '<volume>': 'volume',
}

/**
 * What may stand where the last of `words` is being typed. `words` are those after the program's name; the last may be
 * empty. Nothing where lab does not know better than the shell, which then offers files.
 */
export async function complete(
  program: Command,
  words: readonly string[],
  names: NameSource,
): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? ''
  const [verb, ...before] = words.slice(0, -1)
  const candidates =
    verb === undefined ? firstWords(program, current) : await laterWords(program, verb, before, current, names)
  return candidates.filter(({ word }) => word.startsWith(current))
}

function firstWords(program: Command, current: string): readonly Candidate[] {
  return current.startsWith('-') ? [...flags(program), { word: '--help', summary: 'print help' }] : commands(program)
}

async function laterWords(
  program: Command,
  verb: string,
  before: readonly string[],
  current: string,
  names: NameSource,
): Promise<readonly Candidate[]> {
  if (verb === 'help') {
    const below = (group: Command | undefined, word: string) => group?.commands.find((each) => each.name() === word)
    const group = before.reduce(below, program)
    return group === undefined ? [] : commands(group)
  }
  const command = program.commands.find((each) => each.name() === verb)
  // What follows `--` is somebody else's command line.
  if (command === undefined || before.includes('--')) return []
  if (command.commands.length > 0) {
    const [word, ...rest] = before
    if (word !== undefined) return laterWords(command, word, rest, current, names)
    return current.startsWith('-') ? [{ word: '--help', summary: 'print help' }] : commands(command)
  }

  const optionOf = (word: string | undefined) =>
    command.options.find((option) => word !== undefined && (option.long === word || option.short === word))
  const awaited = optionOf(before.at(-1))
  if (awaited !== undefined && takesValue(awaited)) return optionValues(awaited, current, names)
  if (current.startsWith('-')) return [...flags(command), { word: '--help', summary: 'print help' }]

  const positional = before.filter((word, index) => {
    const previous = optionOf(before[index - 1])
    return !word.startsWith('-') && (previous === undefined || !takesValue(previous))
  }).length
  const { registeredArguments: known } = command
  const argument = known[positional] ?? (known.at(-1)?.variadic === true ? known.at(-1) : undefined)
  return argument === undefined ? [] : argumentValues(argument.name(), names)
}

async function argumentValues(name: string, names: NameSource): Promise<readonly Candidate[]> {
  const kind = LISTS[name] ?? (isNameKind(name) ? name : undefined)
  const words = FIXED[name] ?? (kind === undefined ? [] : await names(kind))
  return words.map((word) => ({ word, summary: kind ?? '' }))
}

/** Values of an option; of a list only the part behind the last comma is completed. */
async function optionValues(option: Option, current: string, names: NameSource): Promise<readonly Candidate[]> {
  const kind = VALUES[option.flags.split(' ').at(-1) ?? '']
  if (kind === undefined) return []
  const given = current.slice(0, current.lastIndexOf(',') + 1)
  const known = await names(kind)
  return known.filter((name) => !given.split(',').includes(name)).map((name) => ({ word: given + name, summary: kind }))
}

function commands(program: Command): readonly Candidate[] {
  return program.commands
    .filter((command) => !command.name().startsWith('_'))
    .map((command) => ({ word: command.name(), summary: command.summary() }))
}

function flags(command: Command): readonly Candidate[] {
  return command.options.map((option) => ({ word: option.long ?? option.short ?? '', summary: option.description }))
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

function isNameKind(name: string): name is NameKind {
  return ['service', 'node', 'volume', 'app', 'saved'].includes(name)
}
