import { createHash } from 'node:crypto'
import type { FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'

/** What a file holds between two lines that mark a block. */
export type BlockState =
  | { readonly state: 'no file' | 'absent' }
  /** One mark without the other, in the wrong order, or more than once. */
  | { readonly state: 'damaged'; readonly lines: readonly number[] }
  /** SHA-256 of the lines between the marks. */
  | { readonly state: 'present'; readonly digest: string }

/** Status of the script where there is no regular file. */
const NO_FILE = 3

/** State of a block in a file; its content stays on the node. */
export function blockState(path: string, begin: string, end: string): FactQuery<BlockState> {
  const digest = createHash('sha256').update(`${begin}\n${end}`).digest('hex').slice(0, 16)
  return {
    key: `block:${path}:${digest}`,
    script: `export LC_ALL=C; file=${quote(path)}
[ -f "$file" ] || exit ${String(NO_FILE)}
marks=$(begin=${quote(begin)} end=${quote(end)} awk '
  $0 "" == ENVIRON["begin"] "" { begins = begins " " NR }
  $0 "" == ENVIRON["end"] "" { ends = ends " " NR }
  END { print "begin" begins; print "end" ends }' <"$file") || exit
printf '%s\\n' "$marks"
{ read -r _ begin; read -r _ end; } <<MARKS
$marks
MARKS
case "$begin$end" in *[!0-9]*) exit 0 ;; esac
[ -n "$begin" ] && [ -n "$end" ] && [ "$begin" -lt "$end" ] || exit 0
head -n "$((end - 1))" -- "$file" | tail -n "+$((begin + 1))" | sha256sum`,
    parse({ status, stdout, stderr }) {
      if (status === NO_FILE) return { state: 'no file' }
      const [begins = '', ends = '', sum = ''] = stdout.split('\n')
      if (status !== 0) throw new Error(`looking at ${path} ended with ${String(status)}: ${stderr.trim()}`)
      const numbers = `${begins} ${ends}`
        .split(' ')
        .map(Number)
        .filter((number) => number > 0)
      if (sum !== '') return { state: 'present', digest: sum.slice(0, 64) }
      return numbers.length === 0 ? { state: 'absent' } : { state: 'damaged', lines: numbers.sort((a, b) => a - b) }
    },
  }
}
