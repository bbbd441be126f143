import { createHash } from 'node:crypto'
import { engineState, type EngineState } from '../facts/engine.ts'
import { SEED_DIRECTORY, seedImages } from '../facts/seed-images.ts'
import { defineStep } from '../model/define-step.ts'
import { LabError, UsageError } from '../model/errors.ts'
import type { FactQuery, Step } from '../model/step.ts'

/** An image in a node's engine: pulled from a registry, from the archive on the node, or made there; or none. */
export type DockerImageOptions = PulledImage | AbsentImage | SeedImage | ImportedImage

/** An image of a registry. */
export interface PulledImage {
  /** `name:tag`, with the registry in front where it is not Docker's own: `registry.lab.local:5000/app:1`. */
  readonly tag: string
  /** Fetched where the node has nothing under that tag. A tag that moved in the registry is not noticed: name a `digest`. */
  readonly pull: true
  /** `sha256:...` as the registry names the image: no other under that tag will do. */
  readonly digest?: string
  /** Longest the fetching may take, in milliseconds. @default 1800000 */
  readonly timeoutMs?: number
  readonly pinned?: never
  readonly script?: never
  readonly absent?: never
  /** Steps that make the registry reachable: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** No image under this tag. */
export interface AbsentImage {
  /** `name:tag`. */
  readonly tag: string
  /** Removed, which is refused while a container uses it. */
  readonly absent: true
  readonly pull?: never
  readonly pinned?: never
  readonly script?: never
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** An image of the archive that nodes are made with. */
export interface SeedImage {
  /** `name:tag`, as the archive has it. */
  readonly tag: string
  /** True: the archive's own image, no other under that tag will do. */
  readonly pinned: boolean
  readonly pull?: never
  readonly script?: never
  readonly absent?: never
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** An image of one layer, made on the node. */
export interface ImportedImage {
  /** As {@link importedTag} makes it. */
  readonly tag: string
  /** POSIX sh script that fills the directory `$1`. */
  readonly script: string
  /** Dockerfile instructions: `CMD ["/bin/sh"]`. */
  readonly changes: readonly string[]
  readonly pull?: never
  readonly pinned?: never
  readonly absent?: never
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** Tag of an imported image: changes with what it is made by. */
export function importedTag(name: string, made: Pick<ImportedImage, 'script' | 'changes'>): string {
  const digest = createHash('sha256').update(JSON.stringify([made.script, made.changes]))
  return `${name}:${digest.digest('hex').slice(0, 12)}`
}

/** Transient unit that loads the archive of the node. */
export const LOAD_UNIT = 'lab-load-images'

const IMPORT = (script: string) => `tag=$1; shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
( set -eu; set -- "$root"
${script}
) || exit
tar -C "$root" --owner=0 --group=0 -cf - . | docker import "$@" - "$tag"`

const PULL = `set -eu
docker pull -q -- "$1"
[ "$1" = "$2" ] || docker tag "$1" "$2"`

/**
 * An image that is there to be run, or that is not. Registries that ask for a password are known to the node by
 * `/root/.docker/config.json`: a secret file.
 * @example dockerImage({ tag: 'debian:trixie-slim', pinned: false })
 * @example dockerImage({ tag: '127.0.0.1:5000/hello:1', pull: true })
 * @example dockerImage({ tag: 'former:1', absent: true })
 * @throws FACT_UNAVAILABLE: the engine of the node does not run.
 * @throws STEP_FAILED: the registry refuses or is not there, or a container uses the image that is to go.
 * @throws NO_SEED_IMAGE: the archive of the node does not hold it.
 */
export const dockerImage = defineStep({
  kind: 'docker-image',
  title: (wanted: DockerImageOptions) => `${wanted.absent === true ? 'remove image' : 'image'} ${wanted.tag}`,
  validate(wanted) {
    const { tag } = wanted
    if (!/^[a-z0-9][a-z0-9._:/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(tag)) {
      throw new UsageError(`"${tag}" is not the name of an image: write name:tag`)
    }
    const digest = wanted.pull === true ? wanted.digest : undefined
    if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new UsageError(`${tag}: "${digest}" is not a digest: sha256: and 64 digits of 0-9a-f`)
    }
  },
  facts: (wanted): { engine: FactQuery<EngineState>; seeds: FactQuery<ReadonlyMap<string, string>> } => ({
    engine: engineState,
    seeds: wanted.pull === true || wanted.absent === true ? NO_SEEDS : seedImages,
  }),
  diff(wanted, { engine, seeds }) {
    const found = engine.images.get(localName(wanted.tag))
    if (wanted.absent === true) return found === undefined ? [] : [{ path: 'image', from: short(found), to: undefined }]
    const source = wanted.pull === true ? (wanted.digest ?? 'pulled') : (seeds.get(wanted.tag) ?? 'made here')
    if (found === undefined) return [{ path: 'image', from: undefined, to: source }]
    if (wanted.pull === true) {
      const digests = engine.repositoryDigests.get(found) ?? []
      if (wanted.digest === undefined || digests.includes(localName(byDigest(wanted)))) return []
      return [{ path: 'image', from: digests[0] ?? short(found), to: wanted.digest }]
    }
    const seed = seeds.get(wanted.tag)
    if (wanted.script !== undefined || !wanted.pinned || seed === undefined || seed === found) return []
    return [{ path: 'image', from: found, to: seed }]
  },
  apply(wanted, _changes, { seeds }) {
    if (wanted.absent === true) return [{ argv: ['docker', 'image', 'rm', wanted.tag] }]
    if (wanted.pull === true) {
      const unit = `lab-pull-${createHash('sha256').update(wanted.tag).digest('hex').slice(0, 12)}`
      const argv = ['sh', '-c', PULL, 'pull', byDigest(wanted), wanted.tag]
      return [{ argv, unit, timeoutMs: wanted.timeoutMs ?? 1_800_000 }]
    }
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
    return [{ ...load, unit: LOAD_UNIT, timeoutMs: 300_000 }]
  },
  after: ({ after }) => after ?? [],
})

/** Asked nothing where no archive is wanted. */
const NO_SEEDS: FactQuery<ReadonlyMap<string, string>> = { key: 'no seeds', script: ':', parse: () => new Map() }

/** What is pulled: the image itself where a digest says which. */
function byDigest({ tag, digest }: PulledImage): string {
  return digest === undefined ? tag : `${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`
}

/** How the engine lists a name: images of Docker's own registry without it. */
function localName(name: string): string {
  return name.replace(/^docker\.io\/(library\/)?/, '')
}

function short(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
