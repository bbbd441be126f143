import { lineNumbers } from '../facts/line-numbers.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import { FactUnavailable, type Change } from '../model/step.ts'
import { EDIT_FILE, PLACE, SPLICE } from '../shell/edit-file.ts'

/** A line that is in a file, or lines that are not. */
export type LineOptions = LinePresent | LineAbsent

/** A line that has to be in a file. */
export interface LinePresent {
  /** A file that exists; a link to one is followed. Mode and owner stay as they are. */
  readonly path: string
  /** The whole line, without its end. */
  readonly line: string
  /**
   * POSIX extended regular expression of the lines it takes the place of: afterwards the line is there exactly once and
   * where the first of them was. Without it, the line is there at least once.
   */
  readonly matching?: string
  /** A line that is new goes behind the last line that matches this expression; no such line is an error. @default at the end */
  readonly after?: string
  /** A line that is new goes before the first line that matches this expression; no such line is an error. */
  readonly before?: string
  /** The line is shown nowhere. @default whether a value of `secret()` is in it */
  readonly secret?: boolean
  readonly absent?: false
}

/** Lines that must not be in a file. A file that is not there has none of them. */
export interface LineAbsent {
  readonly path: string
  readonly absent: true
  /** The whole line. */
  readonly line?: string
  /** POSIX extended regular expression of the lines that go. */
  readonly matching?: string
  /** The line is shown nowhere. @default whether a value of `secret()` is in it */
  readonly secret?: boolean
}

// Looks again by itself: another step may have changed the same file a moment ago. The line comes on standard input.
const APPLY = `set -eu
export LC_ALL=C
${EDIT_FILE}
${SPLICE}
${PLACE}
path=$1 wish=$2 matching=$3 side=$4 anchor=$5
line=$(cat)
numbers() { cut -d: -f1 | tr '\\n' ' '; }
same=
[ -z "$line" ] || same=$(printf '%s\\n' "$line" | grep -anxF -f - -- "$path" | numbers)
gone=$same
[ -z "$matching" ] || gone=$({ printf '%s\\n' $same; grep -anE -e "$matching" -- "$path" | cut -d: -f1; } | sort -nu | tr '\\n' ' ')
gone=\${gone# }
at=-
if [ "$wish" = present ]; then
  if [ -n "$same" ] && { [ -z "$matching" ] || [ "$gone" = "$same" ] && [ "$same" = "\${same%% *} " ]; }; then exit; fi
  at=\${gone%% *}
  if [ -z "$gone" ]; then at=$(place "$path" "$side" "$anchor"); fi
elif [ -z "$gone" ]; then exit
fi
insert() { printf '%s\\n' "$line" | splice "$path" "$at" "$gone"; }
edit_file "$path" insert`

/**
 * A line in a file that something else writes too; for a whole file there is `file`. Of the file only the numbers of the
 * lines concerned are read. A missing file, a missing anchor and an expression that is none are errors.
 * @example line({ path: '/etc/login.defs', line: 'UMASK 027', matching: '^UMASK[[:space:]]' })
 * @example line({ path: '/etc/login.defs', matching: '^#.*obsolete', absent: true })
 */
export const line = defineStep({
  kind: 'line',
  title: (wanted: LineOptions) => {
    const what = isSecret(wanted) ? '***' : (wanted.line ?? `lines like ${wanted.matching ?? ''}`)
    return wanted.absent === true ? `no ${what} in ${wanted.path}` : `${what} in ${wanted.path}`
  },
  validate(wanted) {
    checkNodePath(wanted.path)
    if (wanted.line === '' || /[\n\r\0]/.test(wanted.line ?? '')) {
      throw new UsageError(`${wanted.path}: a line is some text without an end of line in it`)
    }
    if (wanted.matching === '') throw new UsageError(`${wanted.path}: an empty expression matches every line`)
    if (wanted.absent === true) {
      if ((wanted.line ?? wanted.matching) === undefined) {
        throw new UsageError(`${wanted.path}: say which line must be absent: line or matching`)
      }
    } else if (wanted.after !== undefined && wanted.before !== undefined) {
      throw new UsageError(`${wanted.path}: a line goes either after or before another`)
    }
  },
  facts: (wanted) => ({
    lines: lineNumbers(wanted.path, {
      same: wanted.line === undefined ? undefined : { equal: wanted.line },
      matching: wanted.matching === undefined ? undefined : { matching: wanted.matching },
      anchor: anchorOf(wanted) === undefined ? undefined : { matching: anchorOf(wanted) ?? '' },
    }),
  }),
  diff(wanted, { lines }, pending): readonly Change[] {
    if (pending.has(wanted.path)) throw new FactUnavailable(`${wanted.path} is about to change`)
    if (lines === undefined) {
      if (wanted.absent === true) return []
      throw new FactUnavailable(`${wanted.path} is not there, or is no file; write it with file()`)
    }
    const [same = [], matching = []] = [lines.get('same'), lines.get('matching')]
    const others = matching.filter((number) => !same.includes(number))
    const text = isSecret(wanted) ? '***' : wanted.line
    if (wanted.absent === true) {
      const found = [...new Set([...same, ...others])].sort((a, b) => a - b)
      return found.length === 0 ? [] : [{ path: 'line', from: numbered(found), to: undefined }]
    }
    if (others.length > 0) return [{ path: 'line', from: numbered(others), to: text }]
    if (wanted.matching !== undefined && same.length > 1) {
      return [{ path: 'line', from: numbered(same), to: 'there once' }]
    }
    if (same.length > 0) return []
    if (lines.get('anchor')?.length === 0) {
      throw new FactUnavailable(`no line of ${wanted.path} matches ${anchorOf(wanted) ?? ''}`)
    }
    return [{ path: 'line', from: undefined, to: text }]
  },
  apply(wanted) {
    const side =
      wanted.absent === true || anchorOf(wanted) === undefined ? '' : wanted.after === undefined ? 'before' : 'after'
    const wish = wanted.absent === true ? 'absent' : 'present'
    return [
      {
        argv: ['sh', '-c', APPLY, 'line', wanted.path, wish, wanted.matching ?? '', side, anchorOf(wanted) ?? ''],
        stdin: wanted.line ?? '',
        ...(isSecret(wanted) && wanted.line !== undefined ? { secrets: [wanted.line] } : {}),
      },
    ]
  },
  selfContained: true,
  edits: true,
  files: ({ path }) => [path],
})

/** What holds a secret of `secret()` is one. */
function isSecret({ secret, line }: LineOptions): boolean {
  return secret ?? holdsHidden(line ?? '')
}

function anchorOf(wanted: LineOptions): string | undefined {
  return wanted.absent === true ? undefined : (wanted.after ?? wanted.before)
}

function numbered(lines: readonly number[]): string {
  return `line ${lines.slice(0, 5).map(String).join(', ')}${lines.length > 5 ? ` and ${String(lines.length - 5)} more` : ''}`
}
