import type { Document, LineCounter } from 'yaml'
import type { Problem } from '../model/errors.ts'
import { aliasProblems } from '../model/yaml-aliases.ts'

/** What is wrong with a file as YAML. */
export interface SyntaxProblems {
  readonly problems: readonly Problem[]
  /** Whether it can be read all the same, to find what else is wrong: a key that is there twice keeps nobody from that. */
  readonly readable: boolean
}

/** Every problem of a document as YAML, with where it stands. */
export function syntaxProblems(document: Document.Parsed, lines: LineCounter, file: string): SyntaxProblems {
  const at = (offset: number, message: string): Problem => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message }
  }
  const errors = document.errors.map((error) => at(error.pos[0], errorText(error)))
  const aliases = aliasProblems(document).map(({ offset, message }) => at(offset, message))
  const readable = aliases.length === 0 && document.errors.every(({ code }) => code === 'DUPLICATE_KEY')
  return { problems: [...errors, ...aliases], readable }
}

function errorText({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === 'DUPLICATE_KEY') return 'this key is there already'
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a lab.yml is one, so take out the --- before it'
  return `not valid YAML: ${message}`
}
