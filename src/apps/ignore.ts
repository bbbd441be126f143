/** Says whether a path (relative, with `/`) is left out. */
export interface IgnoreRules {
  isIgnored(path: string): boolean
  /** True when something below an ignored directory may still be wanted. */
  readonly hasExceptions: boolean
}

interface Rule {
  readonly pattern: RegExp
  readonly exception: boolean
}

/**
 * The rules of a `.dockerignore`: patterns from the context's root, later lines win, `!` brings back, a pattern that
 * matches a directory matches all that is in it.
 */
export function parseIgnore(text: string): IgnoreRules {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap(parseLine)
  return {
    hasExceptions: rules.some(({ exception }) => exception),
    isIgnored: (path) => {
      const paths = withParents(path)
      const last = rules.findLast(({ pattern }) => paths.some((candidate) => pattern.test(candidate)))
      return last !== undefined && !last.exception
    },
  }
}

function parseLine(line: string): readonly Rule[] {
  const trimmed = line.trim()
  if (trimmed === '' || line.startsWith('#')) return []
  const exception = trimmed.startsWith('!')
  const cleaned = clean(exception ? trimmed.slice(1).trim() : trimmed)
  return cleaned === '' ? [] : [{ pattern: new RegExp(`^${toRegExp(cleaned)}$`), exception }]
}

/** Without `./`, doubled and outer slashes; `a/../b` is `b`. */
function clean(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function toRegExp(pattern: string): string {
  let result = ''
  for (let at = 0; at < pattern.length; at++) {
    const rest = pattern.slice(at)
    const set = /^\[[^\]]+\]/.exec(rest)?.[0]
    if (rest.startsWith('**/')) {
      result += '(?:.*/)?'
      at += 2
    } else if (rest.startsWith('**')) {
      result += '.*'
      at += 1
    } else if (rest.startsWith('*')) result += '[^/]*'
    else if (rest.startsWith('?')) result += '[^/]'
    else if (set !== undefined) {
      result += set
      at += set.length - 1
    } else if (rest.startsWith('\\') && rest.length > 1) {
      result += escape(rest[1] ?? '')
      at += 1
    } else result += escape(rest[0] ?? '')
  }
  return result
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** `a/b/c` as `a/b/c`, `a/b`, `a`. */
function withParents(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
}
