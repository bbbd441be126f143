import { parse, YAMLParseError } from 'yaml'
import { InvalidFileError, UsageError } from '../model/errors.ts'
import { nearest } from '../model/names.ts'

/** Values a template is rendered with. */
export type Params = Readonly<Record<string, unknown>>

/** Reads an app's `params.yml`: parameter names and their defaults. Throws `InvalidFileError`. */
export function parseParams(file: string, text: string): Params {
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 }
    throw new InvalidFileError([{ file, line, column: col, message: error.message.split('\n')[0] ?? error.message }])
  }
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new InvalidFileError([{ file, line: 1, column: 1, message: 'must be a set of parameter names and defaults' }])
  }
  return value as Params
}

/**
 * The defaults with what lab.yml's `vars` say of the same names, then with what was set on the command line, which takes
 * the type of the default. Throws a `UsageError` for a parameter that `params.yml` does not have.
 */
export function applySettings(
  defaults: Params,
  vars: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, string>>,
): Params {
  const known = Object.keys(defaults)
  const values: Record<string, unknown> = { ...vars, ...defaults }
  for (const name of known) if (Object.hasOwn(vars, name)) values[name] = vars[name]
  for (const [name, text] of Object.entries(settings)) {
    if (!Object.hasOwn(defaults, name)) throw unknownParameter(name, known)
    values[name] = typed(name, text, defaults[name])
  }
  return values
}

function unknownParameter(name: string, known: readonly string[]): UsageError {
  const near = nearest(name, known)
  const hint =
    known.length === 0
      ? 'the app has no params.yml, so it takes no parameters'
      : near === undefined
        ? `params.yml has ${known.join(', ')}`
        : `did you mean "${near}"?`
  return new UsageError(`unknown parameter "${name}"`, { where: `--set ${name}`, hint }, 'UNKNOWN_PARAMETER')
}

function typed(name: string, text: string, like: unknown): unknown {
  const refuse = (wanted: string) =>
    new UsageError(`parameter "${name}" is ${wanted}, not "${text}"`, { where: `--set ${name}=${text}` })
  if (typeof like === 'number') {
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value)) throw refuse('a number')
    return value
  }
  if (typeof like === 'boolean') {
    if (text !== 'true' && text !== 'false') throw refuse('true or false')
    return text === 'true'
  }
  if (typeof like === 'object' && like !== null) throw refuse('a list or a set of values: change it in params.yml')
  return text
}
