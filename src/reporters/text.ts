import fastStringWidth from 'fast-string-width'

/** How many columns a text takes on a terminal; colours take none, wide characters two. */
export function widthOf(text: string): number {
  return fastStringWidth(text)
}

/** Plain text cut to a width, with an ellipsis where something is missing. Cuts before colouring, never after. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let result = ''
  let used = 0
  for (const character of text) {
    const next = widthOf(character)
    if (used + next > width - 1) break
    result += character
    used += next
  }
  return width > 0 ? `${result}…` : ''
}

/** The text with spaces behind it up to a width. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** The text with spaces before it up to a width. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

/** Plain text in lines of at most `width` columns, broken between words where it can be. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** `left` at the start of a line and `right` at its end, at least two spaces apart. */
export function spread(left: string, right: string, width: number): string {
  if (right === '') return left
  return `${left}${' '.repeat(Math.max(2, width - widthOf(left) - widthOf(right)))}${right}`
}

// C0 and C1 controls, and the marks that reverse the direction of text.
// eslint-disable-next-line no-control-regex -- these are what it is for
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** One line of foreign text, safe on a terminal: control characters are shown, not obeyed. Tabs stay. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0)
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })
}
