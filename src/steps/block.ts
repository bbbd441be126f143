import { createHash } from 'node:crypto'
import { blockState } from '../facts/block-state.ts'
import { lineNumbers } from '../facts/line-numbers.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import { FactUnavailable, type Change } from '../model/step.ts'
import { EDIT_FILE, PLACE, SPLICE } from '../shell/edit-file.ts'

/** Lines between two marks in a file, or none. */
export type BlockOptions = BlockPresent | BlockAbsent

/** A block that has to be in a file. */
export interface BlockPresent {
  /** A file that exists; a link to one is followed. Mode and owner stay as they are. */
  readonly path: string
  /** What the marks say: `# BEGIN <name>` and `# END <name>`. A file may have several blocks, by name. */
  readonly name: string
  /** The lines between the marks; a last line without an end gets one. */
  readonly content: string
  /** What starts a comment in that file, and what ends it where something does. @default '#' */
  readonly comment?: string | readonly [string, string]
  /** A block that is new goes behind the last line that matches this POSIX extended regular expression. @default at the end */
  readonly after?: string
  /** A block that is new goes before the first line that matches; no such line is an error. */
  readonly before?: string
  /** The content and its digest are shown nowhere. @default whether a value of `secret()` is in it */
  readonly secret?: boolean
  readonly absent?: false
}

/** A block that must not be in a file. A file that is not there has none. */
export interface BlockAbsent {
  readonly path: string
  readonly name: string
  /** As it was when the block was written. @default '#' */
  readonly comment?: string | readonly [string, string]
  readonly absent: true
}

// The block comes on standard input, marks included. Marks that do not make one block are left to a person.
const APPLY = `set -eu
export LC_ALL=C
${EDIT_FILE}
${SPLICE}
${PLACE}
path=$1 begin=$2 end=$3 wish=$4 side=$5 anchor=$6
first() { printf '%s\\n' "$1" | grep -anxF -f - -- "$path" | cut -d: -f1 | head -n 1; }
from=$(first "$begin") to=$(first "$end")
gone= at=-
[ -z "$from" ] || gone=$(seq -s ' ' "$from" "$to")
if [ "$wish" = present ]; then
  at=$from
  if [ -z "$at" ]; then at=$(place "$path" "$side" "$anchor"); fi
fi
edit_file "$path" splice "$path" "$at" "$gone"`

/**
 * Lines between two marks in a file that something else writes too. What is outside the marks is never touched, and of
 * what is between them only a digest is read. A missing file, a missing anchor and damaged marks are errors.
 * @example block({ path: '/etc/profile', name: 'proxy', content: 'export NO_PROXY=localhost\n' })
 * @example block({ path: '/etc/profile', name: 'proxy', absent: true })
 */
export const block = defineStep({
  kind: 'block',
  title: ({ path, name, absent }: BlockOptions) => `${absent === true ? 'no block' : 'block'} ${name} in ${path}`,
  validate(wanted) {
    checkNodePath(wanted.path)
    for (const mark of marksOf(wanted)) {
      if (/[\n\r\0]/.test(mark))
        throw new UsageError(`${wanted.path}: the name of a block, and its marks, are one line`)
    }
    if (wanted.name.trim() === '') throw new UsageError(`${wanted.path}: a block has a name`)
    if (wanted.absent === true) return
    if (wanted.content.includes('\0')) throw new UsageError(`${wanted.path}: a block is text`)
    if (wanted.content.split('\n').some((text) => marksOf(wanted).includes(text))) {
      throw new UsageError(`${wanted.path}: the content of a block must not hold its own marks`)
    }
    if (wanted.after !== undefined && wanted.before !== undefined) {
      throw new UsageError(`${wanted.path}: a block goes either after or before a line`)
    }
  },
  facts: (wanted) => ({
    block: blockState(wanted.path, ...marksOf(wanted)),
    anchor: lineNumbers(wanted.path, {
      anchor: anchorOf(wanted) === undefined ? undefined : { matching: anchorOf(wanted) ?? '' },
    }),
  }),
  diff(wanted, { block, anchor }, pending): readonly Change[] {
    if (pending.has(wanted.path)) throw new FactUnavailable(`${wanted.path} is about to change`)
    if (block.state === 'damaged') {
      const lines = block.lines.map(String).join(', ')
      throw new FactUnavailable(
        `the marks of block ${wanted.name} in ${wanted.path} (lines ${lines}) do not make one block; mend them by hand`,
      )
    }
    if (wanted.absent === true) {
      return block.state === 'present' ? [{ path: wanted.name, from: 'present', to: undefined }] : []
    }
    if (block.state === 'no file') {
      throw new FactUnavailable(`${wanted.path} is not there, or is no file; write it with file()`)
    }
    const digest = createHash('sha256').update(textOf(wanted)).digest('hex')
    const show = (hex: string) => (isSecret(wanted) ? '***' : `sha256:${hex.slice(0, 12)}`)
    if (block.state === 'present') {
      return block.digest === digest ? [] : [{ path: wanted.name, from: show(block.digest), to: show(digest) }]
    }
    if (anchor?.get('anchor')?.length === 0) {
      throw new FactUnavailable(`no line of ${wanted.path} matches ${anchorOf(wanted) ?? ''}`)
    }
    return [{ path: wanted.name, from: undefined, to: show(digest) }]
  },
  apply(wanted) {
    const [begin, end] = marksOf(wanted)
    if (wanted.absent === true) {
      return [{ argv: ['sh', '-c', APPLY, 'block', wanted.path, begin, end, 'absent', '', ''] }]
    }
    const side = anchorOf(wanted) === undefined ? '' : wanted.after === undefined ? 'before' : 'after'
    return [
      {
        argv: ['sh', '-c', APPLY, 'block', wanted.path, begin, end, 'present', side, anchorOf(wanted) ?? ''],
        stdin: `${begin}\n${textOf(wanted)}${end}\n`,
        ...(isSecret(wanted) ? { secrets: [wanted.content] } : {}),
      },
    ]
  },
  selfContained: true,
  edits: true,
  files: ({ path }) => [path],
})

function marksOf({ name, comment = '#' }: BlockOptions): readonly [string, string] {
  const [open, close] = typeof comment === 'string' ? [comment, ''] : comment
  const mark = (word: string) => `${open} ${word} ${name} ${close}`.trim()
  return [mark('BEGIN'), mark('END')]
}

function textOf({ content }: BlockPresent): string {
  return content === '' || content.endsWith('\n') ? content : `${content}\n`
}

/** What holds a secret of `secret()` is one. */
function isSecret({ secret, content }: BlockPresent): boolean {
  return secret ?? holdsHidden(content)
}

function anchorOf(wanted: BlockOptions): string | undefined {
  return wanted.absent === true ? undefined : (wanted.after ?? wanted.before)
}
