import { UsageError } from './errors.ts'

// Of the whole process, also where a playbook has loaded another copy of lab: whatever shows something has to know all of
// them, wherever they came from.
const KEY = Symbol.for('lab.hidden-values')
const place = globalThis as unknown as Record<symbol, Set<string> | undefined>
const values = (place[KEY] ??= new Set<string>())

/** Characters below which a value cannot be told from other text, where it is to be struck out. */
export const SHORTEST_HIDDEN = 6

/** Marks a value as secret for the rest of the process: it is shown nowhere, and is refused where others could read it. */
export function hide(value: string): void {
  values.add(value)
}

/** All values that were marked as secret. */
export function hiddenValues(): readonly string[] {
  return [...values]
}

/** Whether a secret stands in a text or in bytes. */
export function holdsHidden(content: string | Uint8Array): boolean {
  if (values.size === 0) return false
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('utf8')
  return hiddenValues().some((value) => text.includes(value))
}

/** Throws `UsageError` for words of a command, of which all processes of a node can read, with a secret in them. */
export function refuseHidden(what: string, words: readonly string[], more: readonly string[] = []): void {
  const secrets = [...hiddenValues(), ...more].filter((value) => value !== '')
  if (!words.some((word) => secrets.some((value) => word.includes(value)))) return
  throw new UsageError(`a secret stands in ${what}, which every process of the node can read`, {
    hint: 'give it on standard input (stdin), or write it to a file with secret: true',
  })
}
