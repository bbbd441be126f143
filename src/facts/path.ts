import { familyQuery, FactUnavailable, type FactFamily, type FactOutput, type FactQuery } from '../model/step.ts'
import { NODE_PATHS } from '../model/names.ts'
import { quoteAll } from '../shell/quote.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** What is at a path. Never its content: that may be secret. */
export interface PathState {
  readonly type: 'absent' | 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly user: string
  readonly group: string
  /** Last change of the content, microseconds since 1970; of an absent path: when lab removed it, or 0. */
  readonly modifiedUs: number
  /** SHA-256 of a file, in hex. */
  readonly digest: string | undefined
  /** Where a symlink points. */
  readonly target: string | undefined
}

/** Where a path that lab removed leaves the time of its removal: a removed file has no time of its own. */
export const REMOVED = `${NODE_PATHS.run}/removed`

const ABSENT: PathState = {
  type: 'absent',
  mode: 0,
  uid: 0,
  gid: 0,
  user: '',
  group: '',
  modifiedUs: 0,
  digest: undefined,
  target: undefined,
}

// Two processes however many paths there are. Only regular files are hashed: a pipe would never end.
const family: FactFamily<PathState> = {
  name: 'path',
  script: (paths) => `set -- ${quoteAll(paths)}
for p do [ -e "$p" ] || [ -L "$p" ] || [ ! -e "${REMOVED}$p" ] || set -- "$@" "${REMOVED}$p"; done
stat -c '%f %u %g %U %G %.6Y %n' -- "$@" 2>/dev/null
echo ${SECTION}
for p do
  shift
  if [ -L "$p" ]; then printf '%s\\n' "$p"; readlink -- "$p"
  elif [ -f "$p" ]; then set -- "$@" "$p"; fi
done
echo ${SECTION}
[ "$#" = 0 ] || sha256sum -- "$@" 2>/dev/null
command -v stat >/dev/null`,
  parse: parsePaths,
}

/** State of one path; all paths of a host are looked at together. */
export function pathState(path: string): FactQuery<PathState> {
  return familyQuery(family, path)
}

function parsePaths(output: FactOutput, paths: readonly string[]): ReadonlyMap<string, PathState> {
  if (output.status !== 0) throw new FactUnavailable(`cannot look at files: ${output.stderr.trim()}`)
  const [stats = [], links = [], digests = []] = sections(output.stdout)
  const digestOf = new Map(digests.map((line) => [line.slice(66), line.slice(0, 64)]))
  const targetOf = new Map<string, string>()
  for (let i = 0; i + 1 < links.length; i += 2) targetOf.set(links[i] ?? '', links[i + 1] ?? '')
  const found = new Map<string, PathState>()
  for (const line of stats) {
    const state = parseStat(line)
    if (state !== undefined) found.set(state.path, state.state)
  }
  return new Map(
    paths.map((path) => {
      const state = found.get(path)
      if (state === undefined) return [path, { ...ABSENT, modifiedUs: found.get(REMOVED + path)?.modifiedUs ?? 0 }]
      return [path, { ...state, digest: digestOf.get(path), target: targetOf.get(path) }]
    }),
  )
}

function parseStat(line: string): { path: string; state: PathState } | undefined {
  const match = /^([0-9a-f]+) (\d+) (\d+) (\S+) (\S+) (\d+)\.(\d{6}) (.*)$/.exec(line)
  if (match === null) return undefined
  const [, raw = '', uid, gid, user = '', group = '', seconds, micros, path = ''] = match
  const mode = Number.parseInt(raw, 16)
  return {
    path,
    state: {
      ...ABSENT,
      type: TYPES[mode & 0o170000] ?? 'other',
      mode: mode & 0o7777,
      uid: Number(uid),
      gid: Number(gid),
      user,
      group,
      modifiedUs: Number(seconds) * 1_000_000 + Number(micros),
    },
  }
}

const TYPES: Readonly<Record<number, PathState['type']>> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o120000: 'symlink',
}
