import { createTwoFilesPatch } from 'diff'
import type { Connection } from '../model/connection.ts'
import type { Change, Step } from '../model/step.ts'

/** Characters of a text beyond which nobody reads a diff. */
const LONGEST = 200_000

/**
 * What changes in a file, as a unified diff. The present text is fetched only now, and only where there is one; undefined
 * where the text itself stays as it is, or is too long.
 */
export async function fileDiff(
  connection: Connection,
  wanted: NonNullable<Step['preview']>,
  changes: readonly Change[],
): Promise<string | undefined> {
  const content = changes.find(({ path }) => path === 'content')
  const isNew = content !== undefined && content.from === undefined
  const present = isNew ? undefined : await textOf(connection, wanted.path)
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

async function textOf(connection: Connection, path: string): Promise<string | undefined> {
  const { status, stdout } = await connection.exec({ argv: ['head', '-c', String(LONGEST + 1), '--', path] })
  return status === 0 ? stdout : undefined
}
