import type { Connection } from '../../model/connection.ts'
import { LabError } from '../../model/errors.ts'
import { isName, NODE_PATHS } from '../../model/names.ts'
import type { LocalSnapshot, LocalVolume, VolumeDriver } from '../../model/volume.ts'
import { quote } from '../../shell/quote.ts'
import { checkNames } from '../driver-name.ts'
import { VOLUME_PATHS } from '../node/paths.ts'
import { runCommand, runScript } from '../run-command.ts'
import { receiveStream, sendStream } from '../streams.ts'

const POOL = NODE_PATHS.pool
const livePath = (volume: string) => `${POOL}/live/${volume}`
const snapshotDirectory = (volume: string) => `${POOL}/snap/${volume}`
const snapshotPath = (volume: string, snapshot: string) => `${snapshotDirectory(volume)}/${snapshot}`

/** Volumes as btrfs subvolumes: `live/VOLUME` is written to, `snap/VOLUME/SNAPSHOT` are read-only. */
export function createDriver(connection: Connection): VolumeDriver {
  const run = (...argv: readonly string[]) => runCommand(connection, argv)
  const script = (title: string, text: string) => runScript(connection, title, text)

  const verb = async (action: string, volume: string, ...snapshots: readonly string[]) => {
    checkNames(volume, ...snapshots)
    await run(VOLUME_PATHS.driver, action, volume, ...snapshots)
  }

  async function list(): Promise<readonly LocalVolume[]> {
    const subvolumes = `btrfs subvolume list -ucqR ${POOL}`
    return parseList(await script('list subvolumes', `set -e\n${subvolumes}\necho read-only\n${subvolumes} -r\n`))
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
    freeze: (volume) => verb('freeze', volume),
    thaw: (volume) => verb('thaw', volume),
    send: (volume, snapshot, since) => {
      checkNames(volume, snapshot, ...(since === undefined ? [] : [since]))
      return sendStream(connection, volume, snapshot, since)
    },
    receive: (volume, snapshot, stream) => {
      checkNames(volume, snapshot)
      return receiveStream(connection, volume, snapshot, stream)
    },
    promote: (volume, snapshot) => verb('promote', volume, snapshot),
    demote: (volume, snapshot) => verb('demote', volume, snapshot),
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

const LINE =
  /^ID \d+ gen \d+ cgen (\d+) .*received_uuid (\S+)\s+uuid (\S+)\s+path (live|snap)\/([^/\s]+)(?:\/([^/\s]+))?$/

/** Pure: `btrfs subvolume list -ucqR` of all subvolumes, a line `read-only`, and the same of read-only ones. */
export function parseList(text: string): readonly LocalVolume[] {
  const [all = '', readOnly] = text.split(/^read-only$/m)
  if (readOnly === undefined) throw new LabError('VOLUME_DRIVER', 'btrfs did not list its subvolumes')
  const frozen = new Set(readLines(readOnly).map(({ own }) => own))
  const volumes = new Map<string, { live: LocalVolume['live']; snapshots: (LocalSnapshot & { order: number })[] }>()
  for (const { order, own, received, volume, snapshot } of readLines(all)) {
    const found = volumes.get(volume) ?? { live: 'absent', snapshots: [] }
    volumes.set(volume, found)
    if (snapshot === undefined) found.live = frozen.has(own) ? 'frozen' : 'writable'
    // A stream that is arriving, or broke off, is writable until it is whole.
    else if (frozen.has(own)) found.snapshots.push({ name: snapshot, identity: received ?? own, order })
  }
  return [...volumes].map(([name, { live, snapshots }]) => ({
    name,
    live,
    snapshots: snapshots
      .sort((a, b) => a.order - b.order)
      .map((each) => ({ name: each.name, identity: each.identity })),
  }))
}

interface Line {
  readonly order: number
  readonly own: string
  readonly received: string | undefined
  readonly volume: string
  readonly snapshot: string | undefined
}

function readLines(text: string): readonly Line[] {
  return text.split('\n').flatMap((line): Line[] => {
    const [, order = '', received = '', own = '', kind, volume = '', snapshot] = LINE.exec(line) ?? []
    if (!isName(volume) || (kind === 'live') !== (snapshot === undefined)) return []
    return [{ order: Number(order), own, received: received === '-' ? undefined : received, volume, snapshot }]
  })
}
