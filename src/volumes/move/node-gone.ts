import { LabError } from '../../model/errors.ts'

/** True for the failure of a node that is down, or that the lab has no more: it serves nothing and can be told nothing. */
export function isGone(error: unknown): boolean {
  return error instanceof LabError && (error.code === 'UNREACHABLE' || error.code === 'UNKNOWN_NAME')
}
