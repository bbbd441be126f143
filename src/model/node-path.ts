import { UsageError } from './errors.ts'

/** Returns a path on a node, or throws a `UsageError`: absolute, normal, and safe to print on a line of its own. */
export function checkNodePath(path: string): string {
  const problem = problemOf(path)
  if (problem === undefined) return path
  throw new UsageError(`"${path}" is not a path for a node: ${problem}`)
}

function problemOf(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it must be absolute'
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\x00-\x1f\x7f\\]/.test(path)) return 'it must not hold control characters or backslashes'
  if (path.split('/').some((part) => part === '..' || part === '.')) return 'it must not hold . or ..'
  if (path.length > 1 && (path.endsWith('/') || path.includes('//'))) return 'it has a slash too many'
  return undefined
}
