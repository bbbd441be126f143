import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NOTE, TREE, unpackedState } from '../facts/archive.ts'
import { checkOwner, type Owner } from '../facts/ownership.ts'
import { pathState, type PathState } from '../facts/path.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import { FactUnavailable, type Change, type FactQuery, type Step } from '../model/step.ts'

/** An archive, unpacked: exactly one of `source` (on the node) and `local` (on this machine). */
export type ArchiveOptions = Unpacked &
  (
    | { readonly source: string; readonly local?: never }
    | { readonly local: string | URL; readonly source?: never; readonly sha256?: never }
  )

/** What both kinds of archive are unpacked like. */
interface Unpacked {
  /** The directory; it belongs to the archive wholly, and what else is put into it goes. Not a mount point. */
  readonly path: string
  /** An archive on the node. */
  readonly source?: string
  /** An archive on this machine, up to 64 MiB: a path from the working directory, or a file URL. */
  readonly local?: string | URL
  /** Of an archive on the node: its SHA-256 in hex. Once unpacked, the archive itself is not needed any more. */
  readonly sha256?: string
  /** Leading parts that every name in the archive loses: 1 for `tool-1.2/bin/tool`. @default 0 */
  readonly strip?: number
  /** `user`, `user:group` of all that is unpacked. @default root:root */
  readonly owner?: Owner
  /** Steps that put the archive there: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** What is sent to a node in one piece is held in memory, here and there. */
const LOCAL_LIMIT_BYTES = 64 * 1024 * 1024

// Unpacked beside its place and then put there whole: readers see the old directory or, a moment later, the new one.
const UNPACK = `set -eu
path=$1 archive=$2 sha=$3 manner=$4 strip=$5 owner=$6
${TREE}
parent=\${path%/*}
new=$parent/.\${path##*/}.lab-new old=$parent/.\${path##*/}.lab-old
need() { command -v "$1" >/dev/null || { echo "$archive needs $1: install $2" >&2; exit 69; }; }
[ -d "$parent/" ] || (umask 022; mkdir -p -- "$parent")
rm -rf --one-file-system -- "$new" "$old" "$new.archive" "$new.flat"
mkdir -m 0755 -- "$new"
trap 'rm -rf --one-file-system -- "$new" "$new.archive"' EXIT
if [ "$archive" = - ]; then archive=$new.archive; (umask 077; cat >"$archive"); fi
found=$(sha256sum <"$archive" | cut -c1-64)
[ "$found" = "$sha" ] || { echo "$archive has the SHA-256 $found, not $sha" >&2; exit 1; }
case $(head -c 6 -- "$archive" | od -An -tx1 | tr -d ' \\n') in
  504b0304* | 504b0506*)
    if command -v unzip >/dev/null; then unzip -q -o "$archive" -d "$new"
    elif command -v busybox >/dev/null; then busybox unzip -q -o "$archive" -d "$new"
    else need unzip unzip; fi
    n=0
    while [ "$((n += 1))" -le "$strip" ]; do
      mkdir -- "$new.flat"
      find "$new" -mindepth 2 -maxdepth 2 -exec mv -t "$new.flat" -- {} +
      rm -rf -- "$new"; mv -T -- "$new.flat" "$new"
    done ;;
  *)
    case $(head -c 6 -- "$archive" | od -An -tx1 | tr -d ' \\n') in
      fd377a585a00) need xz xz-utils ;;
      28b52ffd*) need zstd zstd ;;
      425a68*) need bzip2 bzip2 ;;
    esac
    tar -x --no-same-owner --same-permissions --strip-components="$strip" -f "$archive" -C "$new" ;;
esac
[ -n "$(find "$new" -mindepth 1 -print -quit)" ] || { echo "$archive leaves nothing after $strip leading parts" >&2; exit 1; }
rm -f -- "$new/${NOTE}"
chown -hR -- "$owner" "$new"
chmod 0755 "$new"
digest=$(tree "$new")
(umask 022; printf '%s\\n' "$sha" "$manner" "$digest" >"$new/${NOTE}")
if [ -e "$path" ] || [ -L "$path" ]; then mv -T -- "$path" "$old"; fi
mv -T -- "$new" "$path"
rm -rf --one-file-system -- "$old"`

/**
 * A directory that holds what is in an archive, and nothing else: tar, plain or packed by gzip, bzip2, xz or zstd, or zip.
 * What it was unpacked from is noted in it (`.lab-archive`), with a digest of everything: a file that was changed, added
 * or removed by hand is found, and the whole is unpacked again. The programs that unpack xz, zstd, bzip2 and zip have to
 * be on the node.
 * @example archive({ source: '/var/cache/tool.tar.gz', path: '/opt/tool', strip: 1 })
 * @throws USAGE: the archive on this machine cannot be read or is larger than 64 MiB.
 * @throws FACT_UNAVAILABLE: there is no archive on the node.
 * @throws FOREIGN_DIRECTORY: the directory holds things that came from no archive; they are left alone.
 * @throws STEP_FAILED: the checksum is another one, a program is missing, or the archive is broken.
 */
export const archive = defineStep({
  kind: 'archive',
  title: (wanted: ArchiveOptions) => `unpack ${nameOf(wanted)} to ${wanted.path}`,
  validate(wanted) {
    checkNodePath(wanted.path)
    if (wanted.path.split('/').length < 3) throw new UsageError(`${wanted.path} is too near the root to be replaced`)
    if (wanted.source !== undefined) checkNodePath(wanted.source)
    checkOwner(wanted.owner ?? 'root')
    const { sha256, strip = 0 } = wanted
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
      throw new UsageError(`${wanted.path}: "${sha256}" is no SHA-256: 64 digits of 0-9a-f`)
    }
    if (!Number.isInteger(strip) || strip < 0) throw new UsageError(`${wanted.path}: strip is a number of parts`)
    if (wanted.local !== undefined) localContent(wanted.local)
  },
  facts: (wanted): Record<string, FactQuery<unknown>> => ({
    unpacked: unpackedState(wanted.path),
    // With a checksum nobody needs to read the archive to know what is in it.
    ...(wanted.source === undefined || wanted.sha256 !== undefined ? {} : { archive: pathState(wanted.source) }),
  }),
  diff(wanted, observed) {
    const at = observed['unpacked'] as ReturnType<ReturnType<typeof unpackedState>['parse']>
    const digest = digestOf(wanted, observed['archive'] as PathState | undefined)
    const short = (hex: string) => `sha256:${hex.slice(0, 12)}`
    const change = (path: string, from: string | undefined, to: string): Change[] => [{ path, from, to }]
    if (at.type === 'absent' || at.type === 'empty') return change('content', undefined, short(digest))
    if (at.type === 'foreign') return change('content', 'not from an archive', short(digest))
    if (at.type === 'other') return change('type', 'no directory', 'directory')
    if (at.source !== digest) return change('content', short(at.source), short(digest))
    if (at.manner !== mannerOf(wanted)) return change('manner', at.manner, mannerOf(wanted))
    return at.intact ? [] : change('content', 'changed by hand', short(digest))
  },
  apply(wanted, changes, observed): readonly Command[] {
    if (changes.some(({ from }) => from === 'not from an archive' || from === 'no directory')) {
      throw new LabError('FOREIGN_DIRECTORY', `${wanted.path} holds what came from no archive, and is left alone`, {
        hint: `move it away, or unpack to a directory of its own`,
      })
    }
    const digest = digestOf(wanted, observed['archive'] as PathState | undefined)
    const strip = String(wanted.strip ?? 0)
    const words = [wanted.source ?? '-', digest, mannerOf(wanted), strip, wanted.owner ?? 'root:root']
    return [
      {
        argv: ['sh', '-c', UNPACK, 'unpack', wanted.path, ...words],
        ...(wanted.local === undefined ? {} : { stdin: localContent(wanted.local) }),
        unit: `lab-unpack-${sha256Of(wanted.path).slice(0, 12)}`,
        timeoutMs: 1_800_000,
      },
    ]
  },
  after: (wanted) => wanted.after ?? [],
})

/** What the archive holds or is to hold. */
function digestOf(wanted: ArchiveOptions, at: PathState | undefined): string {
  if (wanted.local !== undefined) return sha256Of(localContent(wanted.local))
  if (wanted.sha256 !== undefined) return wanted.sha256
  if (at?.digest === undefined) throw new FactUnavailable(`there is no archive ${wanted.source}`)
  return at.digest
}

/** How it is unpacked, as one word. */
function mannerOf({ strip, owner }: ArchiveOptions): string {
  return `strip=${String(strip ?? 0)},owner=${owner ?? 'root:root'}`
}

function nameOf({ source, local }: ArchiveOptions): string {
  return source ?? (typeof local === 'string' ? local : fileURLToPath(local))
}

function localContent(local: string | URL): Uint8Array {
  const path = typeof local === 'string' ? local : fileURLToPath(local)
  let content
  try {
    content = readFileSync(path)
  } catch (cause) {
    throw new UsageError(`the archive ${path} cannot be read`, { cause })
  }
  if (content.length <= LOCAL_LIMIT_BYTES) return content
  throw new UsageError(`the archive ${path} is larger than 64 MiB`, {
    hint: 'let the node fetch it with a download step, and name it as source',
  })
}

function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
