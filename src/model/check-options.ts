import { UsageError } from './errors.ts'
import { nearest } from './names.ts'
import table from './step-options.json' with { type: 'json' }

/** What an option may be: kinds of values (`text`, `number`, ...), and words in quotation marks. */
interface OptionShape {
  readonly is: readonly string[]
  readonly required?: boolean
}

const SHAPES: Readonly<Record<string, Readonly<Record<string, OptionShape>>>> = table
const HOW: Readonly<Record<string, OptionShape>> = { when: { is: ['set'] }, on: { is: ['text'] } }
const WORDS: Readonly<Record<string, string>> = {
  text: 'a text',
  number: 'a number',
  flag: 'true or false',
  list: 'a list',
  set: 'a set of options',
  function: 'a function',
}

/**
 * Refuses options that a step of this kind does not have, lacks or has in another shape: what an editor underlines, for
 * those who write without one. The shapes are read from the types of the steps; kinds lab does not know pass.
 * Throws `UsageError` with everything that is wrong.
 */
export function checkOptions(kind: string, desired: unknown, how: unknown): void {
  const shapes = SHAPES[kind]
  const problems = [...(shapes === undefined ? [] : problemsOf(desired, shapes)), ...problemsOf(how, HOW)]
  if (problems.length > 0) throw new UsageError(problems.join('; '))
}

function problemsOf(given: unknown, shapes: Readonly<Record<string, OptionShape>>): readonly string[] {
  if (kindOf(given) !== 'set') return [`takes a set of options, like { ${Object.keys(shapes)[0] ?? ''}: ... }`]
  const options = given as Readonly<Record<string, unknown>>
  const unknown = Object.keys(options).flatMap((name) => {
    if (Object.hasOwn(shapes, name)) return []
    const near = nearest(name, Object.keys(shapes))
    const advice = near === undefined ? `known: ${Object.keys(shapes).join(', ')}` : `did you mean "${near}"?`
    return [`unknown option "${name}"; ${advice}`]
  })
  const wrong = Object.entries(shapes).flatMap(([name, { is, required }]) => {
    const value = options[name]
    if (value === undefined) return required === true ? [`"${name}" is missing`] : []
    if (is.length === 0 || is.includes('any') || is.includes(kindOf(value))) return []
    if (is.includes(JSON.stringify(value))) return []
    return [`"${name}" must be ${is.map((kind) => WORDS[kind] ?? kind).join(' or ')}, not ${shown(value, is)}`]
  })
  return [...unknown, ...wrong]
}

/** Only what stands in the place of a word is shown: any other value may be a secret. */
function shown(value: unknown, is: readonly string[]): string {
  if (typeof value === 'string' && is.some((kind) => kind.startsWith('"'))) return JSON.stringify(value)
  return value === null ? 'null' : (WORDS[kindOf(value)] ?? kindOf(value))
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  if (value === null) return 'null'
  const kinds: Readonly<Record<string, string>> = { string: 'text', boolean: 'flag', object: 'set' }
  return kinds[typeof value] ?? typeof value
}
