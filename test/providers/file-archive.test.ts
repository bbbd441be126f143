import { setImmediate } from 'node:timers/promises'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { packFile, unpackFile } from '../../src/providers/docker/file-archive.ts'

/** The same bytes, a few at a time, with time for whatever else is to be done between. */
async function* slowly(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 100) {
    await setImmediate()
    yield bytes.subarray(at, at + 100)
  }
}

test('a file is read back whole, also where it arrives in pieces', async () => {
  const content = 'line\n'.repeat(2000)
  expect(await unpackFile(packFile('some.cfg', content))).toBe(content)
  const bytes = await buffer(packFile('some.cfg', content))
  expect(await unpackFile(Readable.from(slowly(bytes), { objectMode: false }))).toBe(content)
})

test('an archive that breaks off is an error and not waited for', async () => {
  const bytes = await buffer(packFile('some.cfg', 'line\n'.repeat(2000)))
  const broken = Readable.from(slowly(bytes.subarray(0, 3000)), { objectMode: false })
  await expect(unpackFile(broken)).rejects.toThrow()
})
