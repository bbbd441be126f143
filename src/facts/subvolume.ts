import { familyQuery, FactUnavailable, type FactFamily, type FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** What a path is to btrfs. */
export interface SubvolumeState {
  /** `directory`: one that is no subvolume; `other`: neither; `elsewhere`: nothing, and the filesystem is not btrfs. */
  readonly type: 'absent' | 'elsewhere' | 'subvolume' | 'directory' | 'other'
  readonly readOnly: boolean
  readonly empty: boolean
}

const family: FactFamily<SubvolumeState> = {
  name: 'subvolume',
  // The root of every subvolume has the inode 256, and nothing else of btrfs has it. `stat -f` follows the nearest parent
  // that is there, which is where a new one would be made.
  script: (paths) => `command -v btrfs >/dev/null || exit 69
set -- ${quoteAll(paths)}
for p do
  parent=$p
  while [ ! -d "$parent/" ]; do parent=\${parent%/*}; done
  read_only=- empty=-
  if [ -d "$p" ] && [ ! -L "$p" ]; then
    type=directory
    [ "$(stat -f -c %T -- "$p")" != btrfs ] || [ "$(stat -c %i -- "$p")" != 256 ] || type=subvolume
    [ -n "$(find "$p/" -mindepth 1 -print -quit)" ] || empty=empty
    [ "$type" != subvolume ] || [ "$(btrfs property get -ts "$p" ro)" != ro=true ] || read_only=ro
  elif [ -e "$p" ] || [ -L "$p" ]; then type=other
  elif [ "$(stat -f -c %T -- "$parent/")" = btrfs ]; then type=absent
  else type=elsewhere; fi
  echo "$type $read_only $empty"
done`,
  parse({ status, stdout, stderr }, paths) {
    if (status === 69) throw new FactUnavailable('btrfs is not installed: a step before it is to install btrfs-progs')
    if (status !== 0) throw new FactUnavailable(`cannot look at subvolumes: ${stderr.trim()}`)
    const lines = stdout.split('\n')
    return new Map(
      paths.map((path, index) => {
        const [type = 'other', readOnly, empty] = (lines[index] ?? '').split(' ')
        return [path, { type: type as SubvolumeState['type'], readOnly: readOnly === 'ro', empty: empty === 'empty' }]
      }),
    )
  },
}

/** What a path is to btrfs; all paths of a host are looked at together. */
export function subvolumeState(path: string): FactQuery<SubvolumeState> {
  return familyQuery(family, path)
}
