import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import {
  badExport,
  headerText,
  LONGEST_HEADER,
  readHeader,
  readTrailer,
  TRAILER_BYTES,
  trailerText,
  type ExportHeader,
} from './export-format.ts'

/** Told the bytes of the stream so far. */
type OnBytes = (bytes: number) => void

/**
 * Writes a stream with what is said of it to a file that only its owner can read. It has its name when it is whole:
 * until then it is FILE.part, and that is removed when something fails. Returns the bytes of the stream.
 */
export async function writeExport(
  file: string,
  header: ExportHeader,
  stream: Readable,
  onBytes: OnBytes,
): Promise<number> {
  const part = `${file}.part`
  const handle = await open(part, 'w', 0o600)
  try {
    const bytes = await fill(handle, header, stream, onBytes)
    await handle.sync()
    await handle.close()
    await rename(part, file)
    return bytes
  } catch (error) {
    stream.destroy()
    await handle.close().catch(() => undefined)
    await rm(part, { force: true })
    throw error
  }
}

async function fill(handle: FileHandle, header: ExportHeader, stream: Readable, onBytes: OnBytes): Promise<number> {
  // A file that is there from before may be readable by others.
  await handle.chmod(0o600)
  const hash = createHash('sha256')
  const put = async (chunk: Buffer) => {
    hash.update(chunk)
    await handle.writeFile(chunk)
  }
  await put(Buffer.from(headerText(header)))
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    await put(chunk)
    bytes += chunk.length
    onBytes(bytes)
  }
  await handle.writeFile(trailerText(bytes, hash.digest('hex')))
  return bytes
}

/** A file that was read to its end and found whole. */
export interface CheckedExport {
  readonly header: ExportHeader
  readonly streamBytes: number
  /** The driver's stream. */
  readonly stream: () => Readable
}

/** Reads a whole file and checks it against its own checksum. Throws `BAD_EXPORT` for one that is cut or changed. */
export async function checkExport(file: string, onBytes: OnBytes): Promise<CheckedExport> {
  const { header, start, end, digest } = await readEnds(file)
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(file, { end: end - 1, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    onBytes(bytes)
  }
  if (hash.digest('hex') !== digest) throw badExport(file, 'its checksum does not match: it was changed or damaged')
  return {
    header,
    streamBytes: end - start,
    stream: () => createReadStream(file, { start, end: end - 1, highWaterMark: 1 << 18 }),
  }
}

async function readEnds(
  file: string,
): Promise<{ readonly header: ExportHeader; readonly start: number; readonly end: number; readonly digest: string }> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const first = Buffer.alloc(Math.min(LONGEST_HEADER, size))
    await handle.read(first, 0, first.length, 0)
    const { header, bytes: start } = readHeader(first, file)
    const last = Buffer.alloc(TRAILER_BYTES)
    const end = size - TRAILER_BYTES
    if (end > start) await handle.read(last, 0, TRAILER_BYTES, end)
    const trailer = readTrailer(last.toString('latin1'))
    if (trailer?.streamBytes !== end - start) throw badExport(file, 'it is cut off, or was not written to its end')
    return { header, start, end, digest: trailer.digest }
  } finally {
    await handle.close()
  }
}
