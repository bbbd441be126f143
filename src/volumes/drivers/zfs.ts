import type { Connection } from '../../model/connection.ts'
import { isName } from '../../model/names.ts'
import type { LocalSnapshot, LocalVolume, VolumeDriver } from '../../model/volume.ts'
import { quote } from '../../shell/quote.ts'
import { checkNames } from '../driver-name.ts'
import { VOLUME_PATHS } from '../node/paths.ts'
import { ZFS_COPY, ZFS_FROZEN, ZFS_LIVE, ZFS_POOL } from '../node/zfs-script.ts'
import { runCommand, runScript } from '../run-command.ts'
import { receiveStream, sendStream } from '../streams.ts'

/** zfs-fuse lets go of a dataset some time after the last file in it was closed. */
const PATIENCE = `patiently() {
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
    said=$("$@" 2>&1) && return 0
    case $said in *busy*) sleep 0.25 ;; *) break ;; esac
  done
  "$@"
}`

const live = (volume: string) => `${ZFS_LIVE}/${volume}`
const copy = (volume: string) => `${ZFS_COPY}/${volume}`

/**
 * Volumes as ZFS datasets, with the kernel's module or zfs-fuse. A volume is one dataset that changes places: under
 * `live` it is mounted and written to, under `copy` it takes streams. So a full stream needs that there is no copy yet,
 * and an increment that its base is the newest snapshot of the copy.
 */
export function createDriver(connection: Connection): VolumeDriver {
  const run = (...argv: readonly string[]) => runCommand(connection, argv)
  const script = (title: string, text: string) => runScript(connection, title, text)

  const verb = async (action: string, volume: string, ...snapshots: readonly string[]) => {
    checkNames(volume, ...snapshots)
    await run(VOLUME_PATHS.driver, action, volume, ...snapshots)
  }

  async function list(): Promise<readonly LocalVolume[]> {
    return parseProperties(await run('zfs', 'get', '-rHp', '-o', 'name,property,value', PROPERTIES, ZFS_POOL))
  }

  /** The dataset a volume is, wherever it is now. */
  async function datasetOf(volume: string): Promise<string> {
    const found = (await list()).find(({ name }) => name === volume)
    return found?.live === 'absent' ? copy(volume) : live(volume)
  }

  return {
    name: 'zfs',
    list,
    usage: async () => {
      const text = await run('zfs', 'get', '-Hp', '-o', 'value', 'used,available', ZFS_POOL)
      const [used = 0, available = 0] = text.trim().split('\n').map(Number)
      return { totalBytes: used + available, freeBytes: available }
    },
    usedBytes: async (volume) => {
      checkNames(volume)
      return Number(await run('zfs', 'get', '-Hp', '-o', 'value', 'referenced', await datasetOf(volume)))
    },
    create: async (volume) => {
      checkNames(volume)
      const found = (await list()).find(({ name }) => name === volume)
      if (found?.live !== 'writable') await run('zfs', 'create', live(volume))
    },
    snapshot: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      const name = `${live(volume)}@${snapshot}`
      await run('zfs', 'snapshot', name)
      return { name: snapshot, identity: (await run('zfs', 'get', '-Hp', '-o', 'value', 'guid', name)).trim() }
    },
    deleteSnapshot: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      const found = (await list()).find(({ name }) => name === volume)
      if (found?.snapshots.some(({ name }) => name === snapshot) !== true) return
      const dataset = found.live === 'absent' ? copy(volume) : live(volume)
      await run('zfs', 'destroy', `${dataset}@${snapshot}`)
      // Without its last snapshot a copy is nothing, and in the way of a whole stream. It is not destroyed if it has one.
      if (dataset === copy(volume) && found.snapshots.length === 1) await run('zfs', 'destroy', dataset)
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
      await script(
        `destroy ${volume}`,
        `${PATIENCE}
for each in ${quote(live(volume))} ${quote(copy(volume))}; do
  zfs list -H -o name "$each" >/dev/null 2>&1 || continue
  patiently zfs destroy -r "$each" || exit 1
done
`,
      )
    },
  }
}

const PROPERTIES = `guid,createtxg,${ZFS_FROZEN}`

/** Pure: `zfs get -rHp -o name,property,value guid,createtxg,lab:frozen POOL`. */
export function parseProperties(text: string): readonly LocalVolume[] {
  const properties = new Map<string, Map<string, string>>()
  for (const line of text.split('\n')) {
    const [name, property, value] = line.split('\t')
    if (name === undefined || property === undefined || value === undefined) continue
    const known = properties.get(name) ?? new Map<string, string>()
    properties.set(name, known.set(property, value))
  }
  const volumes = new Map<string, { live: LocalVolume['live']; snapshots: (LocalSnapshot & { order: number })[] }>()
  for (const [path, values] of properties) {
    const [, kind, volume = '', snapshot] = new RegExp(`^${ZFS_POOL}/(live|copy)/([^/@]+)(?:@(.+))?$`).exec(path) ?? []
    if (!isName(volume)) continue
    const found = volumes.get(volume) ?? { live: 'absent', snapshots: [] }
    volumes.set(volume, found)
    if (snapshot !== undefined) {
      const order = Number(values.get('createtxg') ?? 0)
      found.snapshots.push({ name: snapshot, identity: values.get('guid') ?? '', order })
    } else if (kind === 'live') {
      found.live = values.get(ZFS_FROZEN) === 'yes' ? 'frozen' : 'writable'
    }
  }
  return [...volumes].map(([name, { live: state, snapshots }]) => ({
    name,
    live: state,
    snapshots: snapshots
      .sort((a, b) => a.order - b.order)
      .map((each) => ({ name: each.name, identity: each.identity })),
  }))
}
