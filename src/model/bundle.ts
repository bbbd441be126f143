import { UsageError } from './errors.ts'

/** What the head of a bundle says of the rest. */
export interface BundleHead {
  /** Name of the lab, and of the directory it is unpacked to. */
  readonly lab: string
  /** Version of the lab that made it. */
  readonly version: string
  /** What it runs on, as Node.js calls it: `linux-x64`. */
  readonly platform: string
  /** Bytes of the program and the lab's own files, behind the head. */
  readonly programBytes: number
  /** Bytes of the images, behind the program. */
  readonly imagesBytes: number
  /** Digest of everything behind the head. */
  readonly sha256: string
}

/** Raised when older versions of lab could not read what newer ones write. */
const FORMAT = 1
/** Bytes of the head, whatever it says. */
export const HEAD_BYTES = 8192
/** Where lab itself is, in the directory a bundle is unpacked to. */
export const PROGRAM_DIRECTORY = '.program'

const FIRST_LINE = '#!/bin/sh'

// A shell script, so that whoever has the file needs no second one. Everything is checked before anything is written; what
// is unpacked gets its name last. BUNDLE ends the script: what follows is no text.
const SCRIPT = `set -eu
fail() {
  printf 'lab: %s\\n' "$1" >&2
  printf '  try: %s\\n' "$2" >&2
  exit 1
}
case \${1-} in
  -*)
    printf 'usage: sh %s [DIRECTORY]\\nUnpacks the lab "%s" to DIRECTORY (%s) and loads its images into the Docker engine.\\n' "$0" "$LAB" "$LAB"
    exit 0
    ;;
esac
file=$0
directory=\${1:-$LAB}
command -v node >/dev/null 2>&1 || fail 'Node.js is not installed' 'install Node.js 20.12 or newer from a package or archive you bring along'
command -v tar >/dev/null 2>&1 || fail 'tar is not installed' 'install tar and gzip'
here=$(node -p 'process.platform + "-" + process.arch')
[ "$here" = "$PLATFORM" ] || fail "$file is for $PLATFORM, and this is $here" "make one on a machine like this: lab bundle"
size=$(($(wc -c <"$file")))
[ "$size" -eq $((HEAD + PROGRAM + IMAGES)) ] || fail "$file is not whole: $size bytes of $((HEAD + PROGRAM + IMAGES))" 'copy it again'
printf 'lab: checking %s\\n' "$file" >&2
sum=$(tail -c +$((HEAD + 1)) "$file" | { sha256sum 2>/dev/null || shasum -a 256; } | cut -d ' ' -f 1)
[ "$sum" = "$SHA256" ] || fail "$file is damaged: its checksum is $sum, not $SHA256" 'copy it again'
if [ -e "$directory" ]; then
  [ "$(cat "$directory/${PROGRAM_DIRECTORY}/bundle" 2>/dev/null)" = "$SHA256" ] ||
    fail "$directory is there already, from something else" "name another directory: sh $file DIRECTORY"
else
  draft=$directory.unpacking.$$
  trap 'rm -rf "$draft"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir -p "$draft"
  tail -c +$((HEAD + 1)) "$file" | head -c "$PROGRAM" | tar -xzpf - -C "$draft"
  # Newer than every source: nothing is to be compiled.
  touch "$draft/${PROGRAM_DIRECTORY}/dist/.built"
  echo "$SHA256" >"$draft/${PROGRAM_DIRECTORY}/bundle"
  mv "$draft" "$directory"
fi
"$directory/lab" bundle load "$file" || exit
printf '\\nnow: cd %s && ./lab up && ./lab deploy\\n' "$directory"
exit 0
`

/** The head: a script that unpacks what follows it, of {@link HEAD_BYTES} bytes. */
export function writeBundleHead(head: BundleHead): Buffer {
  const lines = [
    FIRST_LINE,
    '# A lab in one file, for a machine with Docker and Node.js and no network: sh FILE [DIRECTORY]',
    `LAB_BUNDLE=${String(FORMAT)}`,
    `HEAD=${String(HEAD_BYTES)}`,
    ...Object.entries(namesOf(head)).map(([name, value]) => `${name}=${String(value)}`),
  ]
  const text = `${lines.join('\n')}\n${SCRIPT}`
  return Buffer.from(text.padEnd(HEAD_BYTES, '\n'))
}

/** Reads a head. Throws `UsageError` for what is not the head of a bundle that this lab can read. */
export function readBundleHead(bytes: Buffer, file: string): BundleHead {
  const text = bytes.toString('latin1')
  const value = (name: string) => new RegExp(`^${name}=([\\w.-]+)$`, 'm').exec(text)?.[1] ?? ''
  const format = value('LAB_BUNDLE')
  if (!text.startsWith(`${FIRST_LINE}\n`) || format === '')
    throw new UsageError('this is not a bundle', { where: file, hint: 'lab bundle makes one' }, 'NOT_A_BUNDLE')
  if (format !== String(FORMAT)) {
    throw new UsageError(
      `the bundle is of format ${format}, made by lab ${value('VERSION')}; this lab reads format ${String(FORMAT)}`,
      { where: file, hint: `use the lab that is in it: sh ${file}` },
      'BUNDLE_FORMAT',
    )
  }
  const head: BundleHead = {
    lab: value('LAB'),
    version: value('VERSION'),
    platform: value('PLATFORM'),
    programBytes: Number(value('PROGRAM')),
    imagesBytes: Number(value('IMAGES')),
    sha256: value('SHA256'),
  }
  return head
}

/** The error for a bundle that is not what was written. */
export function damagedBundle(file: string, how: string): UsageError {
  return new UsageError(`the bundle is ${how}`, { where: file, hint: 'copy it again' }, 'BUNDLE_DAMAGED')
}

function namesOf({ lab, version, platform, programBytes, imagesBytes, sha256 }: BundleHead): object {
  return {
    LAB: lab,
    VERSION: version,
    PLATFORM: platform,
    PROGRAM: programBytes,
    IMAGES: imagesBytes,
    SHA256: sha256,
  }
}
