import { REGISTRY_HOST } from '../model/names.ts'

/** A manifest of the registry, with the tags that lead to it. */
export interface StoredManifest {
  readonly repository: string
  readonly digest: string
  readonly tags: readonly string[]
  /** Digests of what it is made of: configuration and layers, or other manifests. */
  readonly parts: readonly string[]
}

/** What a registry has on its disk. */
export interface RegistryContent {
  readonly manifests: readonly StoredManifest[]
  readonly blobs: readonly { readonly digest: string; readonly bytes: number; readonly changedAt: number }[]
  /** Uploads that were begun, by when something last came; seconds since 1970, as all times here. */
  readonly uploads: readonly number[]
  readonly now: number
}

/** What can go of it. */
export interface RegistryGarbage {
  readonly manifests: readonly StoredManifest[]
  readonly bytes: number
  /** Something is being pushed: parts without a manifest may be about to get one. */
  readonly isBusy: boolean
}

/** A push that has stood still for so long was given up. */
const PUSH_SECONDS = 600

/** Lists everything on the disk of a registry whose directory is the script's only argument. Reads only. */
export const READ_REGISTRY = `cd "$1/docker/registry/v2" 2>/dev/null || exit 0
echo "now $(date +%s)"
find blobs -name data -printf 'blob %h %s %T@\\n'
find repositories -path '*/_uploads/*' -printf 'upload %T@\\n'
find repositories -path '*/_manifests/tags/*/current/link' | while read -r link; do
  echo "tag $link $(cat "$link")"
done
find repositories -path '*/_manifests/revisions/*/link' | while read -r link; do
  digest=$(cat "$link"); hex=\${digest#sha256:}
  data=blobs/sha256/$(printf %.2s "$hex")/$hex/data
  [ ! -s "$data" ] || echo "manifest $link $digest $(base64 -w 0 "$data")"
done`

// The registry stands still meanwhile: an upload that is under way is cut off, and whoever pushes begins that part again.
// $1 is its directory, $2 when it was looked at; on standard input: repository and digest of each manifest that goes.
// Whatever happens, it is started again.
export const CLEAN_REGISTRY = `cd "$1/docker/registry/v2"
trap 'systemctl start docker-registry' EXIT
systemctl stop docker-registry
if [ -n "$(find blobs -name data -newermt "@$2" | head -n 1)" ] ||
  [ -n "$(find repositories -path '*/_uploads/*' -newermt "@$2" | head -n 1)" ]; then
  exit 75
fi
while read -r repository digest; do
  manifests=repositories/$repository/_manifests
  hex=\${digest#sha256:}
  for tag in "$manifests"/tags/*; do
    [ "$(cat "$tag/current/link" 2>/dev/null)" != "$digest" ] || rm -rf "$tag"
    rm -rf "$tag/index/sha256/$hex"
  done
  rm -rf "$manifests/revisions/sha256/$hex"
done
runuser -u docker-registry -- docker-registry garbage-collect /etc/docker/registry/config.yml >/dev/null
# Links to what is gone, and repositories with nothing in them.
find repositories -path '*/_layers/sha256/*/link' | while read -r link; do
  hex=$(cat "$link"); hex=\${hex#sha256:}
  [ -e "blobs/sha256/$(printf %.2s "$hex")/$hex/data" ] || rm -rf "\${link%/link}"
done
find repositories -depth -name _manifests | while read -r manifests; do
  [ -n "$(find "$manifests" -name link | head -n 1)" ] || rm -rf "\${manifests%/_manifests}"
done
find repositories -mindepth 1 -depth -type d -empty -not -path '*/_*' -delete`

/** Exit status of {@link CLEAN_REGISTRY} where something came since it was looked at. */
export const PUSHED_MEANWHILE = 75

/** Pure: reads what {@link READ_REGISTRY} printed. */
export function parseRegistry(output: string): RegistryContent {
  const lines = output.split('\n').map((line) => line.split(' '))
  const of = (kind: string) => lines.filter(([first]) => first === kind).map(([, ...words]) => words)
  const tags = of('tag').map(([link = '', digest = '']) => {
    const [, repository = '', tag = ''] = /^repositories\/(.+)\/_manifests\/tags\/([^/]+)\//.exec(link) ?? []
    return { repository, tag, digest }
  })
  return {
    manifests: of('manifest').map(([link = '', digest = '', content = '']) => {
      const repository = /^repositories\/(.+)\/_manifests\//.exec(link)?.[1] ?? ''
      const own = tags.filter((each) => each.repository === repository && each.digest === digest)
      return { repository, digest, tags: own.map(({ tag }) => tag), parts: partsIn(content) }
    }),
    blobs: of('blob').map(([directory = '', bytes, changedAt]) => ({
      digest: `sha256:${directory.split('/').at(-1) ?? ''}`,
      bytes: Number(bytes),
      changedAt: Number(changedAt),
    })),
    uploads: of('upload').map(([changedAt]) => Number(changedAt)),
    now: Number(of('now')[0]?.[0] ?? 0),
  }
}

interface Parts {
  readonly config?: { readonly digest: string }
  readonly layers?: readonly { readonly digest: string }[]
  readonly manifests?: readonly { readonly digest: string }[]
}

function partsIn(content: string): readonly string[] {
  try {
    const { config, layers = [], manifests = [] } = JSON.parse(Buffer.from(content, 'base64').toString()) as Parts
    return [...(config === undefined ? [] : [config]), ...layers, ...manifests].map(({ digest }) => digest)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

/**
 * Pure: what can go. `used` are digests that something runs or may go back to; `all` takes also what somebody pushed by
 * hand and nothing runs.
 */
export function registryGarbage(content: RegistryContent, used: ReadonlySet<string>, all: boolean): RegistryGarbage {
  const { manifests, blobs, uploads, now } = content
  const kept = new Set(
    manifests.filter((each) => used.has(each.digest) || (!all && isPushedByHand(each))).map(({ digest }) => digest),
  )
  // What a list of manifests names is as needed as the list.
  for (const digest of kept)
    for (const { digest: own, parts } of manifests) if (own === digest) for (const part of parts) kept.add(part)
  const named = new Set(manifests.flatMap(({ digest, parts }) => [digest, ...parts]))
  const isRecent = (time: number) => now - time < PUSH_SECONDS
  return {
    manifests: manifests.filter(({ digest }) => !kept.has(digest)),
    bytes: blobs.filter(({ digest }) => !kept.has(digest)).reduce((sum, { bytes }) => sum + bytes, 0),
    isBusy: uploads.some(isRecent) || blobs.some(({ digest, changedAt }) => !named.has(digest) && isRecent(changedAt)),
  }
}

function isPushedByHand({ repository, tags }: StoredManifest): boolean {
  return tags.length > 0 && !tags.some((tag) => isTagOfLab(repository, tag))
}

/**
 * lab tags what it builds by the digest of its source, what it puts back by its own, and keeps what comes from elsewhere under
 * the name of its host.
 */
export function isTagOfLab(repository: string, tag: string): boolean {
  const [first = ''] = repository.split('/')
  return /[._]/.test(first) || first === 'localhost' || /^([0-9a-f]{40}|sha256-[0-9a-f]{64})$/.test(tag)
}

/** Pure: the digest that a reference of the lab's registry is pinned by; undefined for any other. */
export function pinnedDigest(reference: string): string | undefined {
  return reference.startsWith(`${REGISTRY_HOST}:`) ? /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1] : undefined
}
