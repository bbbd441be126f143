import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../model/errors.ts'
import { hide, SHORTEST_HIDDEN } from '../model/hidden-values.ts'

/** Where a secret is kept on this machine: one of the two. */
export type SecretSource =
  | {
      /** Name of an environment variable of lab's own. */
      readonly env: string
      readonly file?: never
    }
  | {
      /** A path from the working directory, or `new URL('token', import.meta.url)`; an end of line at its end is left out. */
      readonly file: string | URL
      readonly env?: never
    }

/**
 * A secret of this machine, as a text like any other. It is struck out of everything lab shows or keeps (events, diffs,
 * records, messages), and what holds it, like a file or a line, counts as secret by itself. In the arguments or the
 * environment of a command it is refused: there others could read it.
 * @example file({ path: '/etc/app/token', content: secret({ env: 'APP_TOKEN' }) })
 * @throws USAGE: the variable is not set, the file cannot be read, or the value is shorter than 6 characters.
 */
export function secret(source: SecretSource): string {
  const where = source.env === undefined ? pathOf(source.file) : `the variable ${source.env}`
  const value = source.env === undefined ? read(where) : process.env[source.env]
  if (value === undefined) {
    throw new UsageError(`the environment variable ${source.env ?? ''} of a secret is not set`, {
      hint: `type: ${source.env ?? ''}=... lab run ...`,
    })
  }
  if (value.trim().length < SHORTEST_HIDDEN) {
    throw new UsageError(`the secret in ${where} is shorter than ${String(SHORTEST_HIDDEN)} characters`, {
      hint: 'so short a value cannot be told from other text, and so not be kept out of what is shown',
    })
  }
  hide(value)
  return value
}

function pathOf(file: string | URL): string {
  return typeof file === 'string' ? file : fileURLToPath(file)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new UsageError(`the file of a secret cannot be read: ${path}`, {
      hint: 'a relative path starts at the working directory; new URL(name, import.meta.url) at the playbook',
      cause,
    })
  }
}
