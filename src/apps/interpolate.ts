/** Values of variables. */
export type Variables = Readonly<Record<string, string>>

interface Reference {
  readonly start: number
  readonly end: number
  readonly name: string
  /** `:-`, `-`, `:?`, `?`, `:+`, `+`; empty for a plain reference. */
  readonly operator: string
  readonly word: string
}

/**
 * Replaces `$NAME` and `${NAME:-default}` as the Compose specification says; `$$` is a dollar sign. Used where lab must
 * know a path or an image before the engine's own tools have parsed the file; what is not set becomes empty.
 */
export function interpolate(text: string, variables: Variables): string {
  let result = ''
  let at = 0
  for (const reference of references(text)) {
    result += text.slice(at, reference.start).replaceAll('$$', '$')
    result += valueOf(reference, variables)
    at = reference.end
  }
  return result + text.slice(at).replaceAll('$$', '$')
}

/** Names of all variables a text refers to, those inside defaults included. */
export function referencedVariables(text: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { name, word } of references(text)) {
    names.add(name)
    for (const inner of referencedVariables(word)) names.add(inner)
  }
  return names
}

function valueOf({ name, operator, word }: Reference, variables: Variables): string {
  const value = variables[name]
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
  switch (operator.replace(':', '')) {
    case '-':
      return isSet ? (value ?? '') : interpolate(word, variables)
    case '+':
      return isSet ? interpolate(word, variables) : ''
    default:
      return value ?? ''
  }
}

function* references(text: string): Generator<Reference> {
  for (let at = text.indexOf('$'); at >= 0 && at < text.length - 1; at = text.indexOf('$', at)) {
    const rest = text.slice(at + 1)
    if (rest.startsWith('$')) {
      at += 2
      continue
    }
    const plain = /^[A-Za-z_]\w*/.exec(rest)?.[0]
    const braced = /^\{([A-Za-z_]\w*)(:?[-?+])?/.exec(rest)
    const end = braced === null ? -1 : closingBrace(text, at + 2)
    if (plain !== undefined) {
      yield { start: at, end: at + 1 + plain.length, name: plain, operator: '', word: '' }
      at += 1 + plain.length
    } else if (braced !== null && end >= 0) {
      const [whole, name = '', operator = ''] = braced
      yield { start: at, end: end + 1, name, operator, word: text.slice(at + 1 + whole.length, end) }
      at = end + 1
    } else {
      at += 1
    }
  }
}

function closingBrace(text: string, from: number): number {
  let depth = 1
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth++
    else if (text[at] === '}' && --depth === 0) return at
  }
  return -1
}
