import { LabError } from '../model/errors.ts'
import { isName } from '../model/names.ts'
import { VOLUME_DRIVERS, type VolumeDriverName } from '../model/volume.ts'

/*
 * A file with a volume in it: a first line that says what it is, a line of JSON, the driver's stream, and a trailer of a
 * fixed length with the length of the stream and a SHA-256 over everything before it.
 */

/** The first line of every export. */
const MAGIC = 'lab volume export 1\n'
/** Most that the two lines at the start take. */
export const LONGEST_HEADER = 4096
/** Bytes of the trailer. */
export const TRAILER_BYTES = 94

/** What the file says of itself. */
export interface ExportHeader {
  readonly driver: VolumeDriverName
  readonly volume: string
  readonly snapshot: string
  /** Bytes the files of the volume take. */
  readonly usedBytes: number
  /** The most the volume may hold; null: no limit. */
  readonly limitBytes: number | null
  /** ISO 8601. */
  readonly exportedAt: string
}

/** Pure: the start of a file. */
export function headerText(header: ExportHeader): string {
  return `${MAGIC}${JSON.stringify(header)}\n`
}

/** Pure: the end of a file; `digest` is hexadecimal. */
export function trailerText(streamBytes: number, digest: string): string {
  return `\n${String(streamBytes).padStart(16, '0')} sha256 ${digest}\nend\n`
}

/** Pure: what a trailer says; undefined when it is none. */
export function readTrailer(text: string): { readonly streamBytes: number; readonly digest: string } | undefined {
  const [, length = '', digest = ''] = /^\n(\d{16}) sha256 ([0-9a-f]{64})\nend\n$/.exec(text) ?? []
  return digest === '' || text.length !== TRAILER_BYTES ? undefined : { streamBytes: Number(length), digest }
}

/** Pure: what the start of a file says, and how many bytes of it that takes. Throws `BAD_EXPORT`. */
export function readHeader(start: Buffer, file: string): { readonly header: ExportHeader; readonly bytes: number } {
  if (start.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) throw badExport(file, 'it is no export of a volume')
  const end = start.indexOf('\n', MAGIC.length)
  const header = end < 0 ? undefined : parse(start.subarray(MAGIC.length, end).toString('utf8'))
  if (header === undefined) throw badExport(file, 'what it says of itself cannot be read')
  return { header, bytes: end + 1 }
}

/** The error of a file that cannot be imported. */
export function badExport(file: string, why: string): LabError {
  return new LabError('BAD_EXPORT', `${file}: ${why}`, {
    where: file,
    hint: 'nothing was imported; export the volume again: lab volume export NAME FILE',
  })
}

function parse(text: string): ExportHeader | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The caller says what is wrong with the file.
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { driver, volume, snapshot, usedBytes, limitBytes, exportedAt } = value as Record<string, unknown>
  const known = VOLUME_DRIVERS.find((each) => each === driver)
  if (known === undefined || typeof volume !== 'string' || typeof snapshot !== 'string' || !isName(snapshot)) return
  if (!isSize(usedBytes) || !(limitBytes === null || isSize(limitBytes)) || typeof exportedAt !== 'string') return
  return { driver: known, volume, snapshot, usedBytes, limitBytes, exportedAt }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
