import { createHash } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { KeptImage } from '../apps/resolve-image.ts'
import { packEntries } from '../apps/source-tree.ts'
import { findProduct } from '../config/product.ts'
import { HEAD_BYTES, readBundleHead, writeBundleHead } from '../model/bundle.ts'
import { bytesText } from '../model/bytes-text.ts'
import { UsageError } from '../model/errors.ts'
import { packImages } from '../providers/docker/bundle-images.ts'
import { listServices } from '../swarm/services.ts'
import { bundleContent, type BundledEntry } from './bundle-content.ts'
import { Beside, imagesToBundle, openWorkshop, resolveImages } from './deploy-images.ts'
import { planDeploy, readLocally } from './deploy-plan.ts'
import { withImagesOf } from './image-locks.ts'
import type { OpenLab } from './open-lab.ts'
import { counted, progressOf, unusable } from './load-bundle.ts'
import { runTask } from './task.ts'

/** A file for `lab bundle`, where none is named: beside what the user works on. */
export function defaultBundleFile(lab: string): string {
  return `${lab}.lab-bundle`
}

/**
 * Writes one file that brings the lab up on another machine without a network: lab itself with its packages, the lab's own
 * files, and the images of nodes and apps. The file gets its name when it is whole.
 */
export async function writeBundle(lab: OpenLab, file: string): Promise<void> {
  const started = performance.now()
  if (lab.spec.provider !== 'docker') {
    throw new UsageError(
      `a bundle holds images for nodes in containers, and this lab is made by ${lab.spec.provider}`,
      {
        where: 'lab.yml: provider',
        hint: 'make the bundle from a lab with provider: docker',
      },
    )
  }
  await refuseOther(file)
  const product = findProduct()
  const content = await bundleContent(lab.lab, product)
  await runTask(lab.emit, 'images of nodes', (task) =>
    lab.provider.prepare((line) => {
      task.progress(line)
    }, lab.signal),
  )
  const images: KeptImage[] = []
  for (const app of lab.spec.apps) images.push(...(await imagesOfApp(lab, app)))
  const draft = `${file}.${String(process.pid)}`
  const target = await createDraft(draft)
  try {
    const size = await fill(lab, target, content, images)
    await target.close()
    await rename(draft, file)
    lab.emit({
      type: 'done',
      command: 'bundle',
      message: `${file} holds the lab "${lab.lab.name}": ${bytesText(size)}; on a machine with Docker and Node.js: sh ${basename(file)}`,
      durationMs: Math.round(performance.now() - started),
    })
  } finally {
    await target.close().catch(() => undefined)
    await rm(draft, { force: true })
  }
}

/** Sees to it that an app's images are kept on this host, building or pulling what is missing. */
async function imagesOfApp(lab: OpenLab, app: string): Promise<readonly KeptImage[]> {
  const local = await readLocally(lab, { app, build: true, set: {}, workingDirectory: lab.lab.directory })
  const { name } = local.app
  return withImagesOf(lab, name, 'bundle', async () => {
    const beside = new Beside()
    const shop = await openWorkshop(lab, beside)
    const plan = await runTask(lab.emit, `read ${name}`, async () => {
      const { engine } = await lab.manager()
      const [{ Os, Arch }, services] = await Promise.all([shop.engine.version(), listServices(engine, lab.signal)])
      return planDeploy(lab, local, { connection: shop.connection, platform: `${Os}/${Arch}` }, services)
    })
    try {
      await resolveImages(lab, shop, local, plan, true)
    } finally {
      await beside.settle()
    }
    return imagesToBundle(shop, local, plan)
  })
}

/** Writes everything, the head last: it says what the rest is. Returns the size of all. */
async function fill(
  lab: OpenLab,
  target: FileHandle,
  content: readonly BundledEntry[],
  apps: readonly KeptImage[],
): Promise<number> {
  const hash = createHash('sha256')
  let position = HEAD_BYTES
  const write = async (source: Readable, onBytes: (bytes: number) => void) => {
    const from = position
    await pipeline(
      counted(source, onBytes),
      createGzip({ level: constants.Z_BEST_SPEED }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          hash.update(chunk)
          await target.write(chunk, 0, chunk.length, position)
          position += chunk.length
        }
      },
      { signal: lab.signal },
    )
    return position - from
  }
  const programBytes = await runTask(lab.emit, 'pack lab and the files of this lab', async (task) => {
    const total = content.reduce((sum, { size }) => sum + size, 0)
    const names = new Map(content.map((entry) => [entry, entry.name]))
    const archive = Readable.from(packEntries(content, (entry) => names.get(entry as BundledEntry) ?? ''))
    const bytes = await write(
      archive,
      progressOf(total, (line) => {
        task.progress(line)
      }),
    )
    task.detail(bytesText(bytes))
    return bytes
  })
  const imagesBytes = await runTask(lab.emit, 'pack images', async (task) => {
    const { archive, count, bytes: total } = await packImages(apps, lab.signal)
    const bytes = await write(
      archive,
      progressOf(total, (line) => {
        task.progress(line)
      }),
    )
    task.detail(`${String(count)} images, ${bytesText(bytes)}`)
    return bytes
  })
  const head = writeBundleHead({
    lab: lab.lab.name,
    version: findProduct().version,
    platform: `${process.platform}-${process.arch}`,
    programBytes,
    imagesBytes,
    sha256: hash.digest('hex'),
  })
  await target.write(head, 0, head.length, 0)
  return position
}

/** Throws where the file is there and is something else: a name that was mistyped must cost nothing. */
async function refuseOther(file: string): Promise<void> {
  const found = await open(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, error)
  })
  if (found === undefined) return
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    await found.read(head, 0, HEAD_BYTES, 0)
    readBundleHead(head, file)
  } catch (error) {
    if (error instanceof UsageError && error.code === 'BUNDLE_FORMAT') return
    throw new UsageError('the file is there already and is not a bundle', { where: file, hint: 'name another file' })
  } finally {
    await found.close()
  }
}

async function createDraft(draft: string): Promise<FileHandle> {
  try {
    return await open(draft, 'w', 0o755)
  } catch (error) {
    throw unusable(draft, error)
  }
}
