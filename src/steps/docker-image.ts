import { createHash } from 'node:crypto'
import { engineState } from '../facts/engine.ts'
import { SEED_DIRECTORY, seedImages } from '../facts/seed-images.ts'
import { defineStep } from '../model/define-step.ts'
import { LabError } from '../model/errors.ts'

/** An image in a node's engine, without any download: from the archive on the node, or made there. */
export type DockerImageOptions = SeedImage | ImportedImage

/** An image of the archive that nodes are made with. */
export interface SeedImage {
  readonly tag: string
  /** True: the archive's own image, no other under that tag will do. */
  readonly pinned: boolean
  readonly script?: never
}

/** An image of one layer, made on the node. */
export interface ImportedImage {
  /** As {@link importedTag} makes it. */
  readonly tag: string
  /** POSIX sh script that fills the directory `$1`. */
  readonly script: string
  /** Dockerfile instructions: `CMD ["/bin/sh"]`. */
  readonly changes: readonly string[]
}

/** Tag of an imported image: changes with what it is made by. */
export function importedTag(name: string, made: Pick<ImportedImage, 'script' | 'changes'>): string {
  const digest = createHash('sha256').update(JSON.stringify([made.script, made.changes]))
  return `${name}:${digest.digest('hex').slice(0, 12)}`
}

const IMPORT = (script: string) => `tag=$1; shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
( set -eu; set -- "$root"
${script}
) || exit
tar -C "$root" --owner=0 --group=0 -cf - . | docker import "$@" - "$tag"`

/**
 * An image that is there to be run.
 * @example dockerImage({ tag: 'debian:trixie-slim', pinned: false })
 */
export const dockerImage = defineStep({
  kind: 'docker-image',
  title: (wanted: DockerImageOptions) => `image ${wanted.tag}`,
  facts: () => ({ engine: engineState, seeds: seedImages }),
  diff(wanted, { engine, seeds }) {
    const found = engine.images.get(wanted.tag)
    const seed = seeds.get(wanted.tag)
    if (found === undefined) return [{ path: 'image', from: undefined, to: seed ?? 'made here' }]
    if (wanted.script !== undefined || !wanted.pinned || seed === undefined || seed === found) return []
    return [{ path: 'image', from: found, to: seed }]
  },
  apply(wanted, _changes, { seeds }) {
    if (wanted.script !== undefined) {
      const options = wanted.changes.flatMap((change) => ['--change', change])
      return [{ argv: ['sh', '-c', IMPORT(wanted.script), 'import', wanted.tag, ...options] }]
    }
    if (!seeds.has(wanted.tag)) {
      throw new LabError('NO_SEED_IMAGE', `${SEED_DIRECTORY} holds no image ${wanted.tag}`, {
        hint: `docker load it there by hand, or make the node from lab's own image`,
      })
    }
    const load = { argv: ['docker', 'load', '--quiet', '--input', `${SEED_DIRECTORY}/seed.tar`] }
    return [{ ...load, unit: 'lab-load-images', timeoutMs: 300_000 }]
  },
})
