/** What there is at one path of a tree. */
export interface TreeEntry {
  /** A letter, as `find` has it: `f` file, `d` directory, `l` symbolic link, `p`, `s`, `b`, `c`. */
  readonly type: string
  /** Octal. */
  readonly mode: string
  /** `UID:GID` */
  readonly owner: string
  /** Last change, seconds since 1970 with all digits the filesystem has. */
  readonly time: string
  /** SHA-256 of a file, target of a symbolic link; empty for others. */
  readonly content: string
}

/** A tree by path, `.` the root. Bytes of a name that are no UTF-8 are kept apart: paths are in `latin1`. */
export type Tree = ReadonlyMap<string, TreeEntry>

/** What can differ at a path that both trees have. */
export type TreeAspect = 'type' | 'content' | 'mode' | 'owner' | 'time'

/** One path at which two trees differ. */
export interface TreeDifference {
  readonly path: string
  /** The tree that alone has the path, or what differs. */
  readonly only?: 'ours' | 'theirs'
  readonly differs?: readonly TreeAspect[]
}

const ASPECTS: readonly TreeAspect[] = ['type', 'content', 'mode', 'owner', 'time']

/**
 * Pure: where two trees differ, by path. The time of a directory is not compared: it says no more than what differs in it.
 * What a directory that only one has holds is not told path by path.
 */
export function diffTrees(ours: Tree, theirs: Tree): readonly TreeDifference[] {
  const differences: TreeDifference[] = []
  for (const path of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const [mine, other] = [ours.get(path), theirs.get(path)]
    const above = path.slice(0, path.lastIndexOf('/'))
    if (mine === undefined || other === undefined) {
      const whole = mine === undefined ? !ours.has(above) : !theirs.has(above)
      if (!whole || path === '.') differences.push({ path: shown(path), only: mine === undefined ? 'theirs' : 'ours' })
      continue
    }
    const differs = ASPECTS.filter((aspect) => {
      if (aspect === 'time' && mine.type === 'd' && other.type === 'd') return false
      return mine[aspect] !== other[aspect]
    })
    if (differs.length > 0) differences.push({ path: shown(path), differs })
  }
  return differences
}

function shown(path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8')
  return text === '.' ? '.' : text.slice(2)
}
