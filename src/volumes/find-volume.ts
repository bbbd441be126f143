import { UsageError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import type { StoredRecord } from '../model/volume.ts'

/** Pure: the volume a user means: its own name, or the app or service that uses it if that has just one. */
export function findVolume(stored: readonly StoredRecord[], typed: string): StoredRecord {
  const exact = stored.find(({ record }) => record.name === typed)
  if (exact !== undefined) return exact
  const using = stored.filter(({ record }) => typed !== '' && [record.service, record.app].includes(typed))
  const [only] = using
  if (only !== undefined && using.length === 1) return only
  if (using.length > 1) {
    const names = using.map(({ record }) => record.name)
    throw new UsageError(`${typed} has ${String(using.length)} volumes: ${names.join(', ')}`, {
      hint: 'name one of them',
    })
  }
  const known = stored.flatMap(({ record }) => [record.name, record.service, record.app])
  throw unknownName(
    'volume',
    typed,
    [...new Set(known)].filter((name) => name !== ''),
  )
}
