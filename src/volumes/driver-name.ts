import { checkName } from '../model/names.ts'

/** Checks the names a driver builds paths from; throws a `UsageError` for anything but plain names. */
export function checkNames(volume: string, ...snapshots: readonly string[]): void {
  checkName('volume', volume)
  for (const snapshot of snapshots) checkName('snapshot', snapshot)
}
