import { familyQuery, FactUnavailable, type FactFamily, type FactOutput, type FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** What is where an archive is to be unpacked. */
export interface UnpackedState {
  /** `foreign`: a directory that holds things, none of them from an archive of lab's; `other`: no directory at all. */
  readonly type: 'absent' | 'empty' | 'foreign' | 'unpacked' | 'other'
  /** Digest of the archive it was unpacked from, and in which manner; empty unless `unpacked`. */
  readonly source: string
  readonly manner: string
  /** Whether everything in it still is as it was unpacked. */
  readonly intact: boolean
}

/** Name of the note that an unpacked directory carries. */
export const NOTE = '.lab-archive'

/**
 * Shell function `tree DIRECTORY`: one digest of names, types, modes, owners, links and contents of all that is in it,
 * but for lab's note.
 */
export const TREE = `tree() (
  cd -- "$1" || exit
  {
    find . ! -path ./${NOTE} ! -path . -printf '%P\\0%y %m %U:%G %l\\0' | sort -z
    find . ! -path ./${NOTE} -type f -print0 | sort -z | xargs -0r sha256sum --
  } | sha256sum | cut -c1-64
)`

const family: FactFamily<UnpackedState> = {
  name: 'unpacked',
  script: (paths) => `${TREE}
set -- ${quoteAll(paths)}
for p do
  source= manner= recorded= found=
  if [ -f "$p/${NOTE}" ]; then
    { read -r source; read -r manner; read -r recorded; } <"$p/${NOTE}"
    found=$(tree "$p")
    type=unpacked
  elif [ -d "$p" ]; then
    if [ -z "$(find "$p/" -mindepth 1 -print -quit)" ]; then type=empty; else type=foreign; fi
  elif [ -e "$p" ] || [ -L "$p" ]; then type=other
  else type=absent; fi
  printf '%s %s %s %s %s\\n' "$type" "\${source:--}" "\${manner:--}" "\${recorded:--}" "\${found:--}"
done
command -v sha256sum find >/dev/null`,
  parse: parseUnpacked,
}

/** What is at a path where an archive is to be unpacked. Everything in it is read. */
export function unpackedState(path: string): FactQuery<UnpackedState> {
  return familyQuery(family, path)
}

function parseUnpacked({ status, stdout, stderr }: FactOutput, paths: readonly string[]): Map<string, UnpackedState> {
  if (status !== 0) throw new FactUnavailable(`cannot look at what was unpacked: ${stderr.trim()}`)
  const lines = stdout.split('\n')
  return new Map(
    paths.flatMap((path, index): [string, UnpackedState][] => {
      const [type, source = '-', manner = '-', recorded, found] = (lines[index] ?? '').split(' ')
      if (type === undefined || type === '') return []
      const text = (word: string) => (word === '-' ? '' : word)
      const state = { source: text(source), manner: text(manner), intact: recorded === found }
      return [[path, { type: type as UnpackedState['type'], ...state }]]
    }),
  )
}
