import type { FactOutput } from '../model/step.ts'
import { quote } from './quote.ts'

/** A stretch of a script whose output is wanted by itself. */
export interface ScriptPart {
  /** POSIX shell text; runs in a subshell of its own unless `inMainShell`. */
  readonly text: string
  /** A part that fails with this set keeps all parts after it from running. */
  readonly essential?: boolean
  /** Runs in the script's own shell, so that descriptors it opens stay open. It must not exit. */
  readonly inMainShell?: boolean
}

/**
 * One script of many parts whose outputs can be told apart afterwards. Both streams get a line with the marker after each
 * part, so the marker must not be guessable by what runs. A part with a syntax error, an `exit` or a signal harms no other.
 * The whole is one compound command: a script that was cut off on its way runs not at all.
 */
export function markedScript(parts: readonly ScriptPart[], marker: string): string {
  const lines = parts.map(({ text, essential, inMainShell }, index) => {
    // `eval` keeps a syntax error inside its own part.
    const run = inMainShell === true ? `{\n${text}\n}` : `( eval ${quote(text)} ) </dev/null`
    const mark = `printf '\\n%s %s %s\\n' ${marker} ${String(index)} "$s"`
    return `[ -z "$ok" ] || { ${run}; s=$?; ${mark}; ${mark} >&2${essential === true ? '; [ "$s" = 0 ] || ok=' : ''}; }`
  })
  return `{\nok=1\n${lines.join('\n')}\nexit 0\n}\n`
}

/** Outputs of the parts, in order; undefined for those that did not run to their end. */
export function parseMarked(
  output: Pick<FactOutput, 'stdout' | 'stderr'>,
  marker: string,
  count: number,
): (FactOutput | undefined)[] {
  const stdout = split(output.stdout, marker)
  const stderr = split(output.stderr, marker)
  return Array.from({ length: count }, (_, index) => {
    const out = stdout.get(index)
    return out && { status: out.status, stdout: out.text, stderr: stderr.get(index)?.text ?? '' }
  })
}

function split(stream: string, marker: string): Map<number, { text: string; status: number }> {
  const found = new Map<number, { text: string; status: number }>()
  const pattern = new RegExp(`\\n${marker} (\\d+) (\\d+)\\n`, 'g')
  let start = 0
  for (const match of stream.matchAll(pattern)) {
    found.set(Number(match[1]), { text: stream.slice(start, match.index), status: Number(match[2]) })
    start = match.index + match[0].length
  }
  return found
}
