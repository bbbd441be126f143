import { isAbsolute, join, resolve } from 'node:path'
import type { ComposeFile, Path } from './compose-file.ts'
import { interpolate, referencedVariables, type Variables } from './interpolate.ts'

/** A directory that an image is built from. */
export interface ContextReference {
  readonly directory: string
  /** Absolute; may lie outside the directory. */
  readonly dockerfile: string | undefined
  readonly path: Path
}

/** Everything on this machine that one Compose file refers to. Paths are absolute. */
export interface References {
  readonly contexts: readonly ContextReference[]
  /** Files the engine's tools read while they parse: `env_file`. Missing ones are theirs to complain about. */
  readonly envFiles: readonly string[]
  /** Further Compose files: `include`, `extends`. Paths in them are relative to `directory`. */
  readonly composeFiles: readonly { readonly path: string; readonly directory: string }[]
  /** Contents of configs and secrets. */
  readonly contents: readonly string[]
  /** Names of variables of the user's environment that decide what comes out. */
  readonly variables: ReadonlySet<string>
}

type Record_ = Readonly<Record<string, unknown>>

/** Pure: what a Compose file refers to. `directory` is what its relative paths are relative to. */
export function referencesOf(file: ComposeFile, directory: string, variables: Variables): References {
  const text = (value: unknown) => (typeof value === 'string' ? interpolate(value, variables) : undefined)
  const local = (value: unknown): readonly string[] => {
    const path = text(value)
    return path === undefined || path === '' || isRemote(path) ? [] : [resolveHome(directory, path, variables)]
  }
  const top = record(file.value)
  const services = Object.entries(record(top['services'])).map(([name, value]) => [name, record(value)] as const)
  const contexts = services.flatMap(([name, service]) => {
    const build = service['build']
    if (build === undefined || build === null) return []
    const path: Path = ['services', name, 'build']
    const long = record(build)
    const main = typeof build === 'string' ? build : (text(long['context']) ?? '.')
    const dockerfile = text(long['dockerfile'])
    const inline = typeof long['dockerfile_inline'] === 'string'
    return [
      ...local(main).map((context) => ({
        directory: context,
        dockerfile: inline ? undefined : resolve(context, dockerfile ?? 'Dockerfile'),
        path: typeof build === 'string' ? path : [...path, 'context'],
      })),
      ...namedContexts(long['additional_contexts']).flatMap((context) =>
        local(context).map((directory_) => ({
          directory: directory_,
          dockerfile: undefined,
          path: [...path, 'additional_contexts'],
        })),
      ),
    ]
  })
  const includes = list(top['include']).flatMap((entry) => {
    const long = record(entry)
    const paths = typeof entry === 'string' ? [entry] : list(long['path'])
    return paths.flatMap(local).map((path) => ({
      path,
      directory: local(long['project_directory'])[0] ?? join(path, '..'),
    }))
  })
  const extended = services.flatMap(([, service]) =>
    local(record(service['extends'])['file']).map((path) => ({ path, directory: join(path, '..') })),
  )
  const objects = ['configs', 'secrets'].flatMap((section) => Object.values(record(top[section])).map(record))
  return {
    contexts,
    envFiles: [
      ...services.flatMap(([, service]) => list(service['env_file'])),
      ...list(top['include']).flatMap((entry) => list(record(entry)['env_file'])),
    ].flatMap((entry) => local(typeof entry === 'string' ? entry : record(entry)['path'])),
    composeFiles: [...includes, ...extended],
    contents: objects.flatMap((object) => local(object['file'])),
    variables: new Set([
      ...referencedVariables(file.text),
      ...services.flatMap(([, service]) => [
        ...bareNames(service['environment']),
        ...bareNames(record(service['build'])['args']),
      ]),
      ...objects.flatMap((object) => text(object['environment']) ?? []),
    ]),
  }
}

/** Names in the lines of an environment file that take their value from the user's environment. */
export function variablesOfEnvFile(text: string): ReadonlySet<string> {
  const bare = text.split('\n').flatMap((line) => /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*$/.exec(line)?.[1] ?? [])
  return new Set([...referencedVariables(text), ...bare])
}

/** Values of a `.env`, as far as lab itself needs them: to find files by path. */
export function parseDotEnv(text: string, outer: Variables): Variables {
  const values: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [, name, quoteMark = '', quoted = '', plain = ''] =
      /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:(["'])(.*?)\2|(.*?))\s*(?:\s#.*)?$/.exec(line) ?? []
    if (name === undefined) continue
    const value = quoteMark === '' ? plain : quoted
    values[name] = quoteMark === "'" ? value : interpolate(value, { ...values, ...outer })
  }
  return { ...values, ...outer }
}

/** True for a build context that is not a directory of this machine. */
function isRemote(context: string): boolean {
  return /^([a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/|service:|target:)/.test(context)
}

function namedContexts(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.map((item) => String(item).replace(/^[^=]*=/, ''))
  return Object.values(record(value))
}

/** Names without a value, in a list (`- NAME`) or a map (`NAME:`). */
function bareNames(value: unknown): readonly string[] {
  if (Array.isArray(value))
    return value.filter((item): item is string => typeof item === 'string' && !item.includes('='))
  return Object.entries(record(value)).flatMap(([name, item]) => (item === null ? [name] : []))
}

function resolveHome(directory: string, path: string, variables: Variables): string {
  if (path === '~' || path.startsWith('~/')) return join(variables['HOME'] ?? '/', path.slice(1))
  return isAbsolute(path) ? path : resolve(directory, path)
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? (value as readonly unknown[]) : [value]
}

function record(value: unknown): Record_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record_) : {}
}
