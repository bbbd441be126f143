import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { cacheTag } from '../../model/image-cache.ts'
import { BASE_IMAGE, EDGE_IMAGE } from '../../model/names.ts'
import type { Progress } from '../../model/provider.ts'
import { makeBaseImage } from './base-image.ts'
import { engineStatus } from '../../model/engine-error.ts'
import { unlessStatus } from './engine.ts'
import { buildImage } from './image-build.ts'
import { IMAGE_LABEL, IMAGES, imageTags, packageList, type ImageTags } from './image-recipe.ts'
import { saveSeed } from './image-seed.ts'
import { isSnapshotImage } from './snapshot/names.ts'

/** Tag of the node image, made now when the recipe's image is not there: downloads or builds what it is made of. */
export async function ensureNodeImage(engine: Docker, progress: Progress, signal: AbortSignal): Promise<string> {
  const tags = await imageTags()
  if (await exists(engine, tags.node)) return tags.node
  if (!(await exists(engine, tags.base))) await makeBaseImage(engine, tags.base, progress, signal)
  const directory = await mkdtemp(join(tmpdir(), 'lab-seed-'))
  try {
    const seed = join(directory, 'seed.tar')
    const list = join(directory, 'seed.list')
    // The one waits for the network, the other for the processor: side by side.
    await Promise.all([
      buildPackages(engine, tags, progress, signal),
      buildEdge(engine, tags, progress, signal).then(async () => {
        const images = [
          { tag: tags.base, loadedTag: BASE_IMAGE },
          { tag: tags.edge, loadedTag: EDGE_IMAGE },
        ]
        await writeFile(list, await saveSeed(engine, images, seed, signal))
      }),
    ])
    await buildImage(engine, 'node', {
      tag: tags.node,
      args: { PACKAGES_IMAGE: tags.packages },
      extra: [
        { name: 'seed.tar', path: seed },
        { name: 'seed.list', path: list },
      ],
      progress,
      signal,
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return tags.node
}

/** Tag of the edge's image; made now when it is not there, which it is wherever the node image was made. */
export async function ensureEdgeImage(engine: Docker, progress: Progress, signal: AbortSignal): Promise<string> {
  const tags = await imageTags()
  if (await exists(engine, tags.edge)) return tags.edge
  if (!(await exists(engine, tags.base))) await makeBaseImage(engine, tags.base, progress, signal)
  await buildEdge(engine, tags, progress, signal)
  return tags.edge
}

/** Removes every image lab made, except snapshots and those that containers of another lab still use. */
export async function removeImages(engine: Docker): Promise<void> {
  // An image others are built upon goes only after them; each round takes away the outermost ones.
  for (let round = 0; round <= IMAGES.length; round++) {
    const [made, kept] = await Promise.all([
      engine.listImages({ filters: { label: [IMAGE_LABEL] } }),
      // Images of apps; those from elsewhere have no label of ours.
      engine.listImages({ filters: { reference: [cacheTag('*')] } }),
    ])
    const labelled = made.filter(({ RepoTags }) => !isSnapshotImage(RepoTags))
    const keptNames = kept.flatMap(({ RepoTags }) => (RepoTags ?? []).filter((name) => name.startsWith(cacheTag(''))))
    // By name: two checkouts with one recipe give one image several, and removing it by id would need force.
    const names = labelled.flatMap(({ Id, RepoTags }) => (isTagged(RepoTags) ? RepoTags : [Id]))
    const removed = await Promise.all([...new Set([...names, ...keptNames])].map((name) => removeImage(engine, name)))
    if (!removed.includes(true)) return
  }
}

function isTagged(tags: readonly string[] | null | undefined): tags is string[] {
  return tags?.some((tag) => tag !== '<none>:<none>') === true
}

/** False where the image is gone already, in use, or another image's parent. */
async function removeImage(engine: Docker, name: string): Promise<boolean> {
  try {
    await engine.getImage(name).remove()
    return true
  } catch (error) {
    const status = engineStatus(error)
    if (status === 404 || status === 409) return false
    throw error
  }
}

async function buildPackages(engine: Docker, tags: ImageTags, progress: Progress, signal: AbortSignal): Promise<void> {
  if (await exists(engine, tags.packages)) return
  const args = { BASE: tags.base, PACKAGES: packageList() }
  await buildImage(engine, 'packages', { tag: tags.packages, args, progress, signal })
}

async function buildEdge(engine: Docker, tags: ImageTags, progress: Progress, signal: AbortSignal): Promise<void> {
  if (await exists(engine, tags.edge)) return
  await buildImage(engine, 'edge', { tag: tags.edge, args: { BASE: tags.base }, progress, signal })
}

async function exists(engine: Docker, tag: string): Promise<boolean> {
  return (await unlessStatus(engine.getImage(tag).inspect(), 404)) !== undefined
}
