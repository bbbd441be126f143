import { interpolate } from './interpolate.ts'

/** What a Dockerfile needs from elsewhere. */
export interface DockerfileNeeds {
  /** Images that stages start from or copy from, as written (variables replaced), each once. */
  readonly images: readonly string[]
}

interface Instruction {
  readonly name: string
  readonly words: readonly string[]
}

/** Pure: the images a Dockerfile starts from or copies from. `args` are the build arguments given. */
export function dockerfileNeeds(text: string, args: Readonly<Record<string, string | null>>): DockerfileNeeds {
  const variables: Record<string, string> = {}
  const stages = new Set<string>()
  const images = new Set<string>()
  let inStage = false
  let stageCount = 0
  const add = (reference: string) => {
    const name = interpolate(reference, variables)
    const isStage = stages.has(name.toLowerCase()) || /^\d+$/.test(name)
    if (name !== '' && name !== 'scratch' && !isStage) images.add(name)
  }
  for (const { name, words } of instructions(text)) {
    if (name === 'ARG' && !inStage) {
      for (const word of words) {
        const [key = '', ...rest] = word.split('=')
        const value = args[key] ?? (rest.length === 0 ? undefined : unquote(rest.join('=')))
        if (value !== undefined) variables[key] = interpolate(value, variables)
      }
    } else if (name === 'FROM') {
      inStage = true
      const [reference = '', as, alias] = words.filter((word) => !word.startsWith('--'))
      add(reference)
      if (as?.toUpperCase() === 'AS' && alias !== undefined) stages.add(alias.toLowerCase())
      stages.add(String(stageCount++))
    } else {
      for (const word of words) {
        const from = name === 'COPY' ? /^--from=(.+)$/.exec(word) : /^--mount=(?:.*,)?from=([^,]+)/.exec(word)
        if (from?.[1] !== undefined) add(from[1])
      }
    }
  }
  return { images: [...images] }
}

/**
 * The Dockerfile without its `# syntax=` line where that only names the ordinary frontend, which the build node has
 * built in: a build must not need Docker Hub for it. Lines keep their numbers.
 */
export function withoutSyntaxLine(text: string): string {
  return text.replace(
    /^#\s*syntax\s*=\s*(?:docker\.io\/)?docker\/dockerfile(?::1(?:\.[0-7])?(?:\.\d+)?)?[ \t]*$/im,
    '#',
  )
}

function instructions(text: string): readonly Instruction[] {
  const escape = /^#\s*escape\s*=\s*`/im.test(text.split(/^[^#\s]/m)[0] ?? '') ? '`' : '\\'
  const found: Instruction[] = []
  let open = ''
  let heredoc: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (heredoc !== undefined) {
      if (line.trim() === heredoc) heredoc = undefined
      continue
    }
    if (line.trim() === '' || line.trim().startsWith('#')) continue
    if (line.trimEnd().endsWith(escape)) {
      open += `${line.trimEnd().slice(0, -1)} `
      continue
    }
    const [name = '', ...words] = `${open}${line}`.trim().split(/\s+/)
    open = ''
    found.push({ name: name.toUpperCase(), words })
    heredoc = /<<-?["']?(\w+)["']?/.exec(words.join(' '))?.[1]
  }
  return found
}

function unquote(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text
}
