/** A value of any shape, like an event, with secrets hidden in all of its texts. */
export function redactAll<T>(value: T, secrets: readonly string[]): T {
  if (secrets.length === 0) return value
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return redact(part, secrets)
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, walk(inner)]))
  }
  return walk(value) as T
}

/** Hides secrets wherever they occur in a text; a secret of several lines is also hidden line by line. */
export function redact(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split('\n').filter((line) => line.trim().length >= 8)])
  const longestFirst = [...new Set(parts)].filter((part) => part !== '').sort((a, b) => b.length - a.length)
  return longestFirst.reduce((shown, part) => shown.replaceAll(part, '***'), text)
}
