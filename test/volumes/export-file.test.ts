import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkExport, writeExport } from '../../src/volumes/export-file.ts'
import { readHeader, readTrailer, TRAILER_BYTES, trailerText } from '../../src/volumes/export-format.ts'

const HEADER = {
  driver: 'btrfs',
  volume: 'shop-db',
  snapshot: 'export-1',
  usedBytes: 300_000,
  limitBytes: null,
  exportedAt: '2026-01-01T00:00:00.000Z',
} as const
const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251))

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-export-'))
})
afterAll(() => rm(directory, { recursive: true }))

function chunks(): Readable {
  return Readable.from([CONTENT.subarray(0, 100_000), CONTENT.subarray(100_000)])
}

async function written(name: string): Promise<string> {
  const file = join(directory, name)
  expect(await writeExport(file, HEADER, chunks(), () => undefined)).toBe(CONTENT.length)
  return file
}

describe('a file with a volume', () => {
  test('holds the stream as it was, and only its owner can read it', async () => {
    const file = await written('whole')
    const { header, streamBytes, stream } = await checkExport(file, () => undefined)
    expect({ header, streamBytes }).toEqual({ header: HEADER, streamBytes: CONTENT.length })
    const parts: Buffer[] = []
    for await (const part of stream()) parts.push(part as Buffer)
    expect(Buffer.concat(parts).equals(CONTENT)).toBe(true)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('may hold an empty stream', async () => {
    const file = join(directory, 'empty')
    await writeExport(file, HEADER, Readable.from([]), () => undefined)
    await expect(checkExport(file, () => undefined)).rejects.toThrow('cut off')
  })

  test.each([0, 10, 100, 5000, 300_000 + 90])('cut after %d bytes is refused', async (length) => {
    const file = await written(`cut-${String(length)}`)
    await truncate(file, length)
    await expect(checkExport(file, () => undefined)).rejects.toMatchObject({ code: 'BAD_EXPORT' })
  })

  test.each([0.3, 0.5, 0.9])('with one bit flipped at %d of its length is refused', async (share) => {
    const file = await written(`flipped-${String(share)}`)
    const bytes = await readFile(file)
    const at = Math.floor(bytes.length * share)
    bytes[at] = (bytes[at] ?? 0) ^ 4
    await writeFile(file, bytes)
    await expect(checkExport(file, () => undefined)).rejects.toThrow('checksum')
  })

  test('does not get its name, and leaves nothing, when the stream breaks', async () => {
    const file = join(directory, 'broken')
    const broken = Readable.from(
      (function* () {
        yield CONTENT.subarray(0, 1000)
        throw new Error('the node is gone')
      })(),
    )
    await expect(writeExport(file, HEADER, broken, () => undefined)).rejects.toThrow('the node is gone')
    await expect(stat(file)).rejects.toThrow('ENOENT')
    await expect(stat(`${file}.part`)).rejects.toThrow('ENOENT')
  })
})

test('a trailer always takes the same room', () => {
  for (const bytes of [0, 5, 2 ** 50]) {
    const text = trailerText(bytes, 'a'.repeat(64))
    expect(text).toHaveLength(TRAILER_BYTES)
    expect(readTrailer(text)).toEqual({ streamBytes: bytes, digest: 'a'.repeat(64) })
  }
  expect(readTrailer('x'.repeat(TRAILER_BYTES))).toBeUndefined()
})

test.each(['#!/bin/sh\n', 'lab volume export 1\n{"driver":"ext4"}\n', 'lab volume export 1\nnothing\n', ''])(
  'a file that begins with %j is no export',
  (start) => {
    expect(() => readHeader(Buffer.from(start), 'x.lab')).toThrow(/^x\.lab: /)
  },
)
