import { LabError } from './errors.ts'

/** HTTP status an engine answered with; undefined when the error is none of an engine's. */
export function engineStatus(error: unknown): number | undefined {
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' ? status : undefined
}

/** What an engine said, without dockerode's `(HTTP code 500) server error - ` before it. */
export function engineMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim()
}

/** Whether a node, an engine or the line to it brought an error about, and not whoever asked. */
export function isRemoteError(error: unknown): boolean {
  return error instanceof LabError || engineStatus(error) !== undefined || isBrokenLine(error)
}

/** ECONNRESET and its like; what Node.js says of wrong arguments is called ERR_... */
function isBrokenLine(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code))
}
