const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/

/** One word for a POSIX shell. The only place where a value becomes shell text. */
export function quote(word: string): string {
  if (word.includes('\0')) throw new RangeError('a shell word cannot hold a NUL character')
  return SAFE.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** An argument vector as one line of POSIX shell. */
export function quoteAll(argv: readonly string[]): string {
  return argv.map(quote).join(' ')
}
