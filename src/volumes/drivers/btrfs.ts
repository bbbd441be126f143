import type { Connection } from '../../model/connection.ts'
import { LabError } from '../../model/errors.ts'
import { isName, NODE_PATHS } from '../../model/names.ts'
import type { LocalSnapshot, LocalVolume, VolumeDriver } from '../../model/volume.ts'
import { quote } from '../../shell/quote.ts'
import { checkNames } from '../driver-name.ts'
import { VOLUME_PATHS } from '../node/paths.ts'
import { runCommand, runScript } from '../run-command.ts'
import { sharedVerbs } from '../shared-verbs.ts'

const POOL = NODE_PATHS.pool
const livePath = (volume: string) => `${POOL}/live/${volume}`
const snapshotDirectory = (volume: string) => `${POOL}/snap/${volume}`
const snapshotPath = (volume: string, snapshot: string) => `${snapshotDirectory(volume)}/${snapshot}`

/** Volumes as btrfs subvolumes: `live/VOLUME` is written to, `snap/VOLUME/SNAPSHOT` are read-only. */
export function createDriver(connection: Connection): VolumeDriver {
  const run = (...argv: readonly string[]) => runCommand(connection, argv)
  const script = (title: string, text: string) => runScript(connection, title, text)

  async function list(): Promise<readonly LocalVolume[]> {
    return parseList(await script('list subvolumes', LIST))
  }

  async function find(volume: string): Promise<LocalVolume | undefined> {
    return (await list()).find(({ name }) => name === volume)
  }

  return {
    name: 'btrfs',
    list,
    usage: async () => {
      const [totalBytes = 0, freeBytes = 0] = (await run('df', '-B1', '--output=size,avail', POOL))
        .trim()
        .split('\n')
        .slice(-1)
        .flatMap((line) => line.trim().split(/\s+/).map(Number))
      return { totalBytes, freeBytes }
    },
    usedBytes: async (volume) => {
      checkNames(volume)
      const newest = (await find(volume))?.snapshots.at(-1)
      const fallback = newest === undefined ? '' : ` || du -sB1 ${quote(snapshotPath(volume, newest.name))}`
      return Number.parseInt(
        await script(`measure ${volume}`, `du -sB1 ${quote(livePath(volume))} 2>/dev/null${fallback}\n`),
        10,
      )
    },
    create: async (volume) => {
      checkNames(volume)
      if ((await find(volume))?.live !== 'writable') await run('btrfs', 'subvolume', 'create', livePath(volume))
      await run('btrfs', 'filesystem', 'sync', POOL)
    },
    snapshot: async (volume, snapshot): Promise<LocalSnapshot> => {
      checkNames(volume, snapshot)
      const target = quote(snapshotPath(volume, snapshot))
      // A target that is a directory would get the snapshot inside it.
      const printed = await script(
        `snapshot ${volume}@${snapshot}`,
        `set -e
install -d -m 0700 ${quote(snapshotDirectory(volume))}
[ ! -e ${target} ] || { echo 'there is a snapshot of that name' >&2; exit 1; }
btrfs subvolume snapshot -r ${quote(livePath(volume))} ${target} >/dev/null
${VOLUME_PATHS.driver} identity ${quote(volume)} ${quote(snapshot)}
`,
      )
      return { name: snapshot, identity: printed.trim() }
    },
    deleteSnapshot: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      await script(`delete ${volume}@${snapshot}`, deleteIfThere(snapshotPath(volume, snapshot)))
    },
    destroy: async (volume) => {
      checkNames(volume)
      const directory = quote(snapshotDirectory(volume))
      await script(
        `destroy ${volume}`,
        `set -e
${deleteIfThere(livePath(volume))}
for each in ${directory}/*; do
  [ -d "$each" ] || continue
  btrfs subvolume delete "$each" >/dev/null
done
[ ! -d ${directory} ] || rmdir ${directory}
`,
      )
    },
    ...sharedVerbs(connection),
  }
}

/** Lines that delete a subvolume, read-only or not, where there is one. */
function deleteIfThere(path: string): string {
  const quoted = quote(path)
  return `if [ -e ${quoted} ]; then
  btrfs subvolume delete ${quoted} >/dev/null
fi
`
}

/**
 * Everything about all subvolumes at once. btrfs prints the creation only of what was made from another subvolume; what
 * arrived whole was made as a directory is. Without quotas there are no limits to print.
 */
const LIST = `set -e
export TZ=UTC0
subvolumes='btrfs subvolume list -ucqR ${POOL}'
$subvolumes
echo read-only
$subvolumes -r
echo times
for each in ${POOL}/snap/*/*; do
  [ ! -d "$each" ] || stat -c 'birth %W %n' "$each"
done
btrfs subvolume list -s ${POOL}
echo limits
btrfs qgroup show -r --raw ${POOL} 2>/dev/null || true
`

const LINE =
  /^ID (\d+) gen \d+ cgen (\d+) .*received_uuid (\S+)\s+uuid (\S+)\s+path (live|snap)\/([^/\s]+)(?:\/([^/\s]+))?$/

interface Found {
  live: LocalVolume['live']
  limitBytes: number | undefined
  readonly snapshots: (LocalSnapshot & { readonly order: number })[]
}

/** Pure: what {@link LIST} prints. */
export function parseList(text: string): readonly LocalVolume[] {
  const [all = '', readOnly = '', times = '', limits] = text.split(/^(?:read-only|times|limits)$/m)
  if (limits === undefined) throw new LabError('VOLUME_DRIVER', 'btrfs did not list its subvolumes')
  const frozen = new Set(readLines(readOnly).map(({ own }) => own))
  const created = readTimes(times)
  const most = new Map(
    [...limits.matchAll(/^0\/(\d+) +\d+ +\d+ +(\d+) /gm)].map(([, id, bytes]) => [id, Number(bytes)]),
  )
  const volumes = new Map<string, Found>()
  for (const { id, order, own, received, volume, snapshot } of readLines(all)) {
    const found = volumes.get(volume) ?? { live: 'absent', limitBytes: undefined, snapshots: [] }
    volumes.set(volume, found)
    if (snapshot === undefined) {
      found.live = frozen.has(own) ? 'frozen' : 'writable'
      found.limitBytes = most.get(id)
    } else if (frozen.has(own)) {
      // A stream that is arriving, or broke off, is writable until it is whole.
      const createdAt = created.get(`snap/${volume}/${snapshot}`)
      found.snapshots.push({ name: snapshot, identity: received ?? own, createdAt, order })
    }
  }
  return [...volumes].map(([name, { live, limitBytes, snapshots }]) => ({
    name,
    live,
    limitBytes,
    snapshots: snapshots
      .sort((a, b) => a.order - b.order)
      .map(({ name: each, identity, createdAt }) => ({ name: each, identity, createdAt })),
  }))
}

/** Creation by path in the pool. */
function readTimes(text: string): ReadonlyMap<string, string> {
  const born = [...text.matchAll(/^birth (\d+) (.+)$/gm)].map(([, seconds, path = '']) => {
    return [path.slice(POOL.length + 1), new Date(Number(seconds) * 1000).toISOString()] as const
  })
  const made = [...text.matchAll(/^ID .* otime (\S+) (\S+) path (.+)$/gm)].map(([, day = '', time = '', path = '']) => {
    return [path, new Date(`${day}T${time}Z`).toISOString()] as const
  })
  return new Map([...born, ...made])
}

interface Line {
  readonly id: string
  readonly order: number
  readonly own: string
  readonly received: string | undefined
  readonly volume: string
  readonly snapshot: string | undefined
}

function readLines(text: string): readonly Line[] {
  return text.split('\n').flatMap((line): Line[] => {
    const [, id = '', order = '', received = '', own = '', kind, volume = '', snapshot] = LINE.exec(line) ?? []
    if (!isName(volume) || (kind === 'live') !== (snapshot === undefined)) return []
    return [{ id, order: Number(order), own, received: received === '-' ? undefined : received, volume, snapshot }]
  })
}
