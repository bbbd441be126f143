import { createTwoFilesPatch } from 'diff'
import type { Connection } from '../model/connection.ts'
import type { Change, Step } from '../model/step.ts'

/** Characters of a text beyond which nobody reads a diff. */
const LONGEST = 200_000

/** Status of what reads a file where not all may read it. */
const NOT_PUBLIC = 77
const HIDDEN = Symbol('not for all to read')

/**
 * What changes in a file, as a unified diff. The present text is fetched only now, and only where there is one; undefined
 * where the text itself stays as it is, is too long, or is not for all to read now and will be, or will be gone.
 */
export async function fileDiff(
  connection: Connection,
  wanted: NonNullable<Step['preview']>,
  changes: readonly Change[],
): Promise<string | undefined> {
  const content = changes.find(({ path }) => path === 'content')
  const isNew = content !== undefined && content.from === undefined
  const present = isNew ? undefined : await textOf(connection, wanted)
  if (present === HIDDEN) return undefined
  if ((present ?? '') === wanted.content && !isNew) return undefined
  if ((present ?? '').length + wanted.content.length > LONGEST) return undefined
  const patch = createTwoFilesPatch(
    present === undefined ? '/dev/null' : wanted.path,
    wanted.path,
    present ?? '',
    wanted.content,
  )
  // Before them stand lines that `diff -u` does not have.
  return patch.slice(patch.indexOf('--- '))
}

// A secret that is to go, or to be replaced by what is none, is a secret still.
const READ = `case $1-$(stat -L -c %a -- "$2") in
  public-*[0123]) exit ${String(NOT_PUBLIC)} ;;
  *) exec head -c ${String(LONGEST + 1)} -- "$2" ;;
esac`

async function textOf(
  connection: Connection,
  { path, isPublic }: NonNullable<Step['preview']>,
): Promise<string | typeof HIDDEN | undefined> {
  const argv = ['sh', '-c', READ, 'read', isPublic === true ? 'public' : '', path]
  const { status, stdout } = await connection.exec({ argv })
  if (status === NOT_PUBLIC) return HIDDEN
  return status === 0 ? stdout : undefined
}
