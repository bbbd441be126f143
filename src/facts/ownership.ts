import type { Change } from '../model/step.ts'
import { UsageError } from '../model/errors.ts'
import type { PathState } from './path.ts'

/** Owner of a path: `user`, `user:group`, names or numbers. Without a group, the group is left alone. */
export type Owner = string

/** Throws `UsageError` for what `chown` would misread. */
export function checkOwner(owner: Owner): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/.test(owner)) {
    throw new UsageError(`"${owner}" is not an owner: write user or user:group`)
  }
}

/** Throws `UsageError` unless `mode` is permission bits. */
export function checkMode(mode: number): void {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw new UsageError(`${String(mode)} is not a mode: write it in octal, like 0o644`)
  }
}

/** A mode as people write it. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** A mode for chmod: with fewer than five digits it leaves a directory its set-user-ID and set-group-ID bits. */
export function wholeMode(mode: number): string {
  return `0${octal(mode)}`
}

/** Differences in mode and owner of something that exists. */
export function accessChanges(state: PathState, mode: number, owner: Owner): Change[] {
  const changes: Change[] = []
  if (state.mode !== mode) changes.push({ path: 'mode', from: octal(state.mode), to: octal(mode) })
  const [user = '', group] = owner.split(':')
  const userMatches = user === state.user || user === String(state.uid)
  const groupMatches = group === undefined || group === state.group || group === String(state.gid)
  if (!userMatches || !groupMatches) {
    changes.push({ path: 'owner', from: group === undefined ? state.user : `${state.user}:${state.group}`, to: owner })
  }
  return changes
}
