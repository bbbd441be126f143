import { UsageError } from './errors.ts'
import { unknownName } from './names.ts'

/** Kinds of values that have no default to tell them by. */
export type VariableKind = 'text' | 'number' | 'flag'

/** A variable that has to be set somewhere. */
export interface RequiredVariable<K extends VariableKind = VariableKind> {
  readonly required: K
}

/** Variables a playbook declares: each with the value it has when nothing sets it, or `required(...)`. */
export type VariableSet = Readonly<Record<string, string | number | boolean | readonly string[] | RequiredVariable>>

/** A playbook that declares none. */
export type NoVariables = VariableSet & { readonly [name: string]: never }

/** The values of declared variables: of the type their declaration has. */
export type VariableValues<V> = {
  readonly [K in keyof V]: V[K] extends RequiredVariable<infer Kind>
    ? { readonly text: string; readonly number: number; readonly flag: boolean }[Kind]
    : V[K] extends string
      ? string
      : V[K] extends number
        ? number
        : V[K] extends boolean
          ? boolean
          : readonly string[]
}

/** What plays that declare variables are given with the site. */
export type WithVariables<V> = string extends keyof V ? unknown : Variables<V>

/** Values for the lab as a whole, and for a node. */
export interface Variables<V> {
  /** From `vars` of lab.yml and from `--var`. */
  readonly vars: VariableValues<V>
  /** Those of its groups and its own go before the lab's; `--var` goes before all. */
  varsOf(node: { readonly name: string }): VariableValues<V>
}

/** Values somebody wrote down, and where. */
export interface VariableSource {
  /** As it reads before "must be a number": `--var`, `vars of node1 in lab.yml`. */
  readonly where: string
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * A variable without a value of its own: whoever uses it before `lab.yml` or `--var` sets it ends the run with an error.
 * @example playbook({ name: 'Web', vars: { version: required('text'), port: 80 }, plays: ({ vars }) => [...] })
 */
export function required<K extends VariableKind>(kind: K): RequiredVariable<K> {
  return { required: kind }
}

/** The values of declared variables; of several sources the last goes first. Throws `UsageError` for values of another kind. */
export function variableValues<V extends VariableSet>(
  declared: V,
  sources: readonly VariableSource[],
): VariableValues<V> {
  const values = {}
  for (const [name, declaration] of Object.entries(declared)) {
    const source = sources.findLast((each) => Object.hasOwn(each.values, name))
    const value =
      source === undefined ? defaultOf(declaration) : read(name, source.values[name], kindOf(declaration), source.where)
    Object.defineProperty(values, name, { enumerable: value !== undefined, get: () => value ?? missing(name) })
  }
  return strict(values) as VariableValues<V>
}

/** A name that was not declared is an error where it is used: `undefined` would end up in somebody's file. */
function strict(values: object): object {
  return new Proxy(values, {
    get: (target, name, receiver): unknown => {
      // What JavaScript itself looks for: how to print it, whether it is a promise.
      const isAsked = typeof name === 'string' && !(name in target) && name !== 'then' && name !== 'toJSON'
      if (isAsked) throw unknownName('variable', name, Object.getOwnPropertyNames(target))
      return Reflect.get(target, name, receiver)
    },
  })
}

/** Refuses `--var` for what the playbook does not declare: a typing error must not go unnoticed. */
export function checkDeclared(declared: VariableSet, given: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(declared, name)) throw unknownName('variable', name, Object.keys(declared))
}

function missing(name: string): never {
  throw new UsageError(`the variable "${name}" is not set`, {
    hint: `give --var ${name}=VALUE, or set it below "vars" in lab.yml: of the lab, a group or a node`,
  })
}

function isRequired(declaration: VariableSet[string]): declaration is RequiredVariable {
  return typeof declaration === 'object' && 'required' in declaration
}

function defaultOf(declaration: VariableSet[string]): unknown {
  return isRequired(declaration) ? undefined : declaration
}

function kindOf(declaration: VariableSet[string]): VariableKind | 'list' {
  if (isRequired(declaration)) return declaration.required
  if (typeof declaration === 'object') return 'list'
  return typeof declaration === 'string' ? 'text' : typeof declaration === 'number' ? 'number' : 'flag'
}

const WORDS = { text: 'a text', number: 'a number', flag: 'true or false', list: 'a list' }

function read(name: string, value: unknown, kind: VariableKind | 'list', where: string): unknown {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined
  const found = {
    text: () => text,
    number: () => (text === undefined || text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text)),
    flag: () => (text === 'true' ? true : text === 'false' ? false : undefined),
    list: () => (Array.isArray(value) ? value.map(String) : text?.split(',').filter((word) => word !== '')),
  }[kind]()
  if (found !== undefined) return found
  // The value itself may be a secret.
  throw new UsageError(`${where}: "${name}" must be ${WORDS[kind]}`)
}
