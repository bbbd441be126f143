/** A file the reader of a page is told to write: a block with its name in bold above it. */
export interface PageFile {
  readonly name: string
  readonly content: string
}

/** A command the page shows behind a `$`, and what it shows of its output. */
export interface PageCommand {
  readonly command: string
  readonly output: readonly string[]
  /** Line of the page, counted from 1. */
  readonly line: number
}

/** What a page has its reader do, in its order. */
export type PageAction = PageFile | PageCommand

/** Reads the fenced blocks of a page: `console` blocks are typed in, blocks below a name in bold are files. */
export function readPage(text: string): readonly PageAction[] {
  const actions: PageAction[] = []
  let caption: string | undefined
  let block: { readonly language: string; readonly from: number; readonly lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line)
    if (block === undefined) {
      if (fence !== null) block = { language: fence[1] ?? '', from: index + 2, lines: [] }
      else if (line !== '') caption = /^\*\*(\S+)\*\*$/.exec(line)?.[1]
    } else if (fence === null) block.lines.push(line)
    else {
      if (block.language === 'console') actions.push(...commandsOf(block.lines, block.from))
      else if (caption === undefined) throw new Error(`line ${String(block.from)}: a block that is no file of a name`)
      else actions.push({ name: caption, content: `${block.lines.join('\n')}\n` })
      block = undefined
      caption = undefined
    }
  }
  return actions
}

function commandsOf(lines: readonly string[], from: number): readonly PageCommand[] {
  const commands: { readonly command: string; readonly output: string[]; readonly line: number }[] = []
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [], line: from + index })
    else commands.at(-1)?.output.push(line)
  }
  return commands
}

// What differs between any two runs: times, addresses, the lab's own suffix, releases of packages. How many steps it takes to
// make a lab is not the page's business. And room: columns are as wide as what is in them.
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b(\d+ (h|min) )*\d+(\.\d+)? (ms|s|min)\b/g, 'TIME'],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g, 'WHEN'],
  [/\b(?!127\.)\d+(\.\d+){3}\b/g, 'ADDRESS'],
  [/\b\d+\.\d+\.\d+\b/g, 'RELEASE'],
  [/\b(site)-[0-9a-f]{6}\b/g, '$1-ID'],
  [/\b\d{3,} changed\b/g, 'MANY changed'],
  [/ {2,}/g, '  '],
]

function steady(line: string): string {
  return VARYING.reduce((text, [pattern, word]) => text.replace(pattern, word), line).trim()
}

/**
 * Whether a command printed what the page shows. On the page, `…` for a line stands for any lines, and at the end of one for
 * its rest; apart from that only what differs between any two runs may differ.
 */
export function isShown(shown: readonly string[], printed: readonly string[]): boolean {
  const pattern = trimmed(shown)
    .map((line) => {
      if (line === '…') return '(?:.*\\n)*?'
      const text = steady(line.replace(/…$/, '')).replace(/[\^$.*+?()[\]{}|]/g, '\\$&')
      return `${text}${line.endsWith('…') ? '.*' : ''}\\n`
    })
    .join('')
  const text = trimmed(printed)
    .map((line) => `${steady(line)}\n`)
    .join('')
  return new RegExp(`^${pattern}$`).test(text)
}

function trimmed(lines: readonly string[]): readonly string[] {
  return lines.join('\n').trim().split('\n')
}
