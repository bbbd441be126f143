/** Hides secrets wherever they occur in a text; a secret of several lines is also hidden line by line. */
export function redact(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split('\n').filter((line) => line.trim().length >= 8)])
  const longestFirst = [...new Set(parts)].filter((part) => part !== '').sort((a, b) => b.length - a.length)
  return longestFirst.reduce((shown, part) => shown.replaceAll(part, '***'), text)
}
