import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { HEAD_BYTES, damagedBundle, readBundleHead, writeBundleHead, type BundleHead } from '../model/bundle.ts'
import { bytesText } from '../model/bytes-text.ts'
import { LabError, UsageError } from '../model/errors.ts'
import type { Emit } from '../model/events.ts'
import type { Progress } from '../model/provider.ts'
import { loadImages } from '../providers/docker/bundle-images.ts'
import { runTask } from './task.ts'

/** Checks a bundle and loads its images into this host's engine. Nothing is changed by one that is not whole. */
export async function loadBundle(emit: Emit, file: string, signal: AbortSignal): Promise<void> {
  const started = performance.now()
  const bundle = await openBundle(file)
  try {
    const head = await readHead(bundle, file)
    await runTask(emit, `check ${basename(file)}`, (task) =>
      checkContent(
        file,
        head,
        (line) => {
          task.progress(line)
        },
        signal,
      ),
    )
    const names = await runTask(emit, 'load images into the Docker engine', async (task) => {
      const from = HEAD_BYTES + head.programBytes
      const tell = progressOf(head.imagesBytes, (line) => {
        task.progress(line)
      })
      const images = Readable.from(counted(createReadStream(file, { start: from }), tell))
      const loaded = await loadImages(images, () => undefined, signal)
      task.detail(`${String(loaded.length)} images`)
      return loaded
    })
    if (names.length === 0) throw damagedBundle(file, 'without images')
    const message = `the images of the lab "${head.lab}" are on this machine: lab up needs no network`
    emit({ type: 'done', command: 'bundle load', message, durationMs: Math.round(performance.now() - started) })
  } finally {
    await bundle.close()
  }
}

async function openBundle(file: string): Promise<FileHandle> {
  try {
    return await open(file)
  } catch (error) {
    throw unusable(file, error)
  }
}

/** The error for a file that cannot be opened or made. */
export function unusable(file: string, cause: unknown): UsageError {
  const said = cause instanceof Error ? cause.message : String(cause)
  return new UsageError(
    `the file cannot be used: ${said}`,
    { where: file, hint: 'name another file', cause },
    'NO_FILE',
  )
}

/** The head of a file that is a bundle for this machine, and of the size it says. */
async function readHead(bundle: FileHandle, file: string): Promise<BundleHead> {
  const bytes = Buffer.alloc(HEAD_BYTES)
  const stats = await bundle.stat()
  const read = stats.isFile() ? (await bundle.read(bytes, 0, HEAD_BYTES, 0)).bytesRead : 0
  const head = readBundleHead(bytes.subarray(0, read), file)
  const size = HEAD_BYTES + head.programBytes + head.imagesBytes
  if (!writeBundleHead(head).equals(bytes))
    throw damagedBundle(file, 'damaged in its head, or made by another version of lab')
  if (stats.size !== size) throw damagedBundle(file, `not whole: ${String(stats.size)} bytes of ${String(size)}`)
  const here = `${process.platform}-${process.arch}`
  if (head.platform !== here) {
    throw new LabError('BUNDLE_PLATFORM', `the bundle is for ${head.platform}, and this is ${here}`, {
      where: file,
      hint: 'make one on a machine like this: lab bundle',
      exitCode: 64,
    })
  }
  return head
}

async function checkContent(file: string, head: BundleHead, progress: Progress, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  const content = createReadStream(file, { start: HEAD_BYTES, signal })
  const tell = progressOf(head.programBytes + head.imagesBytes, progress)
  for await (const chunk of counted(content, tell)) hash.update(chunk)
  const sha256 = hash.digest('hex')
  if (sha256 !== head.sha256) throw damagedBundle(file, `damaged: its checksum is ${sha256}, not ${head.sha256}`)
}

/** Passes on what is read, and tells after each chunk how many bytes that were. */
export async function* counted(source: Readable, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let read = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    onBytes((read += chunk.length))
    yield chunk
  }
}

/** Tells how far something is, when that has changed by a hundredth. */
export function progressOf(total: number, progress: Progress): (bytes: number) => void {
  let told = -1
  return (bytes) => {
    const percent = total === 0 ? 100 : Math.min(100, Math.floor((bytes / total) * 100))
    if (percent === told) return
    told = percent
    progress(`${bytesText(bytes)} of ${bytesText(total)}`)
  }
}
