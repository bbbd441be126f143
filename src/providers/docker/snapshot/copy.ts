import { dirname } from 'node:path'
import type Docker from 'dockerode'
import { LabError } from '../../../model/errors.ts'
import type { LabIdentity } from '../../../model/lab-spec.ts'
import { runOnVolumes } from '../volume-shell.ts'

/** Where the engine's volumes are in the container that copies them: all in one, so that files can be linked. */
const VOLUMES = '/volumes'
/** Room that stays free on the host's disk. */
const RESERVE_BYTES = 512 * 2 ** 20
/** How the script says that there is not enough room; cp ends with 1. */
const TOO_LITTLE_ROOM = 28

/** A volume and what it is copied to, whatever that held before. */
export interface VolumeCopy {
  readonly from: string
  readonly to: string
}

/** What a copy took: `sizeBytes` of its own, and `sharedBytes` that it has in common with the original. */
export interface CopySize {
  readonly sizeBytes: number
  readonly sharedBytes: number
}

/**
 * Copies volumes in pairs of arguments. Layers of images in an engine and blobs in a registry are never written to again
 * once they are complete, only removed: those are not copied, both sides hold the same file. A layer is complete when
 * the engine's database of layers has it; what else lies beside them is copied as everything is: sparse, and as a clone
 * where the filesystem can.
 */
const COPY = `
set -euo pipefail
shopt -s nullglob dotglob
reserve=$1; shift
size=0 shared=0
bytes() { du -scB1 -- "$@" | tail -n 1 | cut -f 1; }

# tree FROM TO SUB...: copies a directory; the SUBs, paths in it, are linked.
tree() {
  local from=$1 to=$2 entry sub name took; shift 2
  local copies=() links=() deeper=()
  mkdir "$to"
  for entry in "$from"/*; do
    name=\${entry##*/} deeper=()
    for sub; do
      case $sub in
        "$name") links+=("$entry"); continue 2 ;;
        "$name"/*) deeper+=("\${sub#*/}") ;;
      esac
    done
    if [ \${#deeper[@]} -gt 0 ]; then tree "$entry" "$to/$name" "\${deeper[@]}"; else copies+=("$entry"); fi
  done
  if [ \${#copies[@]} -gt 0 ]; then
    took=$(bytes "\${copies[@]}")
    if [ "$(($(df --output=avail -B1 "$to" | tail -n 1) - took))" -lt "$reserve" ]; then
      echo "$took bytes more are needed, beside $reserve that stay free"
      exit ${String(TOO_LITTLE_ROOM)}
    fi
    cp -a --reflink=auto --sparse=always -t "$to" -- "\${copies[@]}"
    size=$((size + took))
  fi
  if [ \${#links[@]} -gt 0 ]; then
    cp -al -t "$to" -- "\${links[@]}"
    shared=$((shared + $(bytes "\${links[@]}")))
  fi
  chown --reference="$from" "$to"
  chmod --reference="$from" "$to"
  touch --reference="$from" "$to"
}

while [ $# -gt 0 ]; do
  from=${VOLUMES}/$1/_data to=${VOLUMES}/$2/_data
  shift 2
  rm -rf "$to"
  subs=()
  for id in "$from"/image/overlay2/layerdb/sha256/*/cache-id; do subs+=("overlay2/$(cat "$id")"); done
  if [ -d "$from/registry" ]; then subs+=(registry/docker/registry/v2/blobs); fi
  tree "$from" "$to" "\${subs[@]}"
done
sync -f ${VOLUMES}
echo "took $size $shared"`

/** Puts volumes in the place of others, in pairs of arguments: a rename each. */
const SWAP = `
set -euo pipefail
while [ $# -gt 0 ]; do
  from=${VOLUMES}/$1/_data to=${VOLUMES}/$2/_data
  shift 2
  rm -rf "$to"
  mv -T "$from" "$to"
done
sync -f ${VOLUMES}`

/** Copies volumes that nobody writes to. Throws `DISK_FULL` or `COPY_FAILED`; what was copied until then is left. */
export async function copyVolumes(
  engine: Docker,
  lab: LabIdentity,
  image: string,
  copies: readonly VolumeCopy[],
  signal: AbortSignal,
): Promise<CopySize> {
  const output = await onVolumes(engine, lab, image, COPY, [String(RESERVE_BYTES), ...pairs(copies)], copies, signal)
  const [, size = '0', shared = '0'] = /^took (\d+) (\d+)$/m.exec(output) ?? []
  return { sizeBytes: Number(size), sharedBytes: Number(shared) }
}

/** Makes each `to` what `from` is; `from` is empty afterwards. */
export async function swapVolumes(
  engine: Docker,
  lab: LabIdentity,
  image: string,
  swaps: readonly VolumeCopy[],
): Promise<void> {
  await onVolumes(engine, lab, image, SWAP, pairs(swaps), swaps)
}

function pairs(copies: readonly VolumeCopy[]): readonly string[] {
  return copies.flatMap(({ from, to }) => [from, to])
}

async function onVolumes(
  engine: Docker,
  lab: LabIdentity,
  image: string,
  script: string,
  args: readonly string[],
  [first]: readonly VolumeCopy[],
  signal?: AbortSignal,
): Promise<string> {
  const { Mountpoint } = await engine.getVolume(first?.to ?? '').inspect()
  const directory = dirname(dirname(Mountpoint))
  const mounts = [{ Type: 'bind' as const, Source: directory, Target: VOLUMES }]
  const { exitCode, output } = await runOnVolumes(engine, lab, { image, script, args, mounts }, signal)
  if (exitCode === 0) return output
  const full = exitCode === TOO_LITTLE_ROOM || output.includes('No space left on device')
  throw new LabError(full ? 'DISK_FULL' : 'COPY_FAILED', `${full ? 'no room for the copy: ' : ''}${output.trim()}`, {
    where: directory,
    hint: full
      ? 'make room there (lab snapshot delete NAME, docker system df), then run this again'
      : 'run this again; if it stays so: lab doctor',
  })
}
