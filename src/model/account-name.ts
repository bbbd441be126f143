import { UsageError } from './errors.ts'

/** Returns the name of an account or a group, or throws a `UsageError`. */
export function checkAccountName(kind: 'user' | 'group', name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_-]{0,31}$/.test(name)) return name
  throw new UsageError(`"${name}" is not the name of a ${kind}: use letters, digits, _ and -, at most 32 characters`)
}

/** Returns the number of an account or a group, or throws a `UsageError`. */
export function checkAccountNumber(kind: 'uid' | 'gid', number: number): number {
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 32 - 1) return number
  throw new UsageError(`${String(number)} is not a ${kind}`)
}
