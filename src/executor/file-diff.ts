import { createTwoFilesPatch } from 'diff'
import type { Connection } from '../model/connection.ts'
import type { Step } from '../model/step.ts'

/** What would change in a file, as a unified diff; the present text is fetched only now, because somebody asked. */
export async function fileDiff(connection: Connection, wanted: NonNullable<Step['preview']>): Promise<string> {
  const { status, stdout } = await connection.exec({ argv: ['cat', '--', wanted.path] })
  const present = status === 0 ? stdout : ''
  const patch = createTwoFilesPatch(status === 0 ? wanted.path : '/dev/null', wanted.path, present, wanted.content)
  // The first line is a rule that `diff -u` does not have.
  return patch.slice(patch.indexOf('\n') + 1)
}
