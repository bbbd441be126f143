import type { Connection } from '../../model/connection.ts'
import { isName } from '../../model/names.ts'
import type { LocalSnapshot, LocalVolume, VolumeDriver } from '../../model/volume.ts'
import { checkNames } from '../driver-name.ts'
import { VOLUME_PATHS } from '../node/paths.ts'
import { ZFS_FROZEN, ZFS_POOL, ZFS_SINCE } from '../node/zfs-lines.ts'
import { runCommand } from '../run-command.ts'
import { driverVerb, sharedVerbs } from '../shared-verbs.ts'

/**
 * Volumes as ZFS datasets, with the kernel's module or zfs-fuse. A volume is one dataset that changes places: under
 * `live` it is mounted and written to, under `copy` it takes streams. So a full stream needs that there is no copy yet,
 * and an increment that its base is the newest snapshot of the copy.
 */
export function createDriver(connection: Connection): VolumeDriver {
  const run = (...argv: readonly string[]) => runCommand(connection, argv)

  async function list(): Promise<readonly LocalVolume[]> {
    return parseProperties(await run('zfs', 'get', '-rHp', '-o', 'name,property,value', PROPERTIES, ZFS_POOL))
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
      return Number(await run(VOLUME_PATHS.driver, 'used', volume))
    },
    create: async (volume) => {
      checkNames(volume)
      const found = (await list()).find(({ name }) => name === volume)
      if (found?.live !== 'writable') await run('zfs', 'create', `${ZFS_POOL}/live/${volume}`)
    },
    snapshot: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      const identity = (await run(VOLUME_PATHS.driver, 'snapshot', volume, snapshot)).trim()
      return { name: snapshot, identity }
    },
    deleteSnapshot: (volume, snapshot) => driverVerb(connection, 'delete', volume, snapshot),
    destroy: (volume) => driverVerb(connection, 'destroy', volume),
    ...sharedVerbs(connection),
  }
}

const PROPERTIES = `guid,createtxg,creation,defer_destroy,refquota,${ZFS_FROZEN},${ZFS_SINCE}`
const PLACE = new RegExp(`^${ZFS_POOL}/(?:(live|copy)/([^/@]+)|(aside)/([^/@.]+)\\.\\d+)(?:@(.+))?$`)

interface Found {
  live: LocalVolume['live']
  limitBytes: number | undefined
  readonly snapshots: (LocalSnapshot & { readonly aside: boolean; readonly order: number })[]
}

/** Pure: `zfs get -rHp -o name,property,value guid,createtxg,creation,defer_destroy,refquota,lab:frozen,lab:since POOL`. */
export function parseProperties(text: string): readonly LocalVolume[] {
  const properties = new Map<string, Map<string, string>>()
  for (const line of text.split('\n')) {
    const [name, property, value] = line.split('\t')
    if (name === undefined || property === undefined || value === undefined) continue
    const known = properties.get(name) ?? new Map<string, string>()
    properties.set(name, known.set(property, value))
  }
  const volumes = new Map<string, Found>()
  for (const [path, values] of properties) {
    const [, place, main, aside, beside, snapshot] = PLACE.exec(path) ?? []
    const volume = main ?? beside ?? ''
    if (!isName(volume)) continue
    const found = volumes.get(volume) ?? { live: 'absent', limitBytes: undefined, snapshots: [] }
    volumes.set(volume, found)
    if (snapshot !== undefined) {
      // What a clone was made from is not its own, and one that was deleted may have to stay for a while.
      const order = Number(values.get('createtxg') ?? 0)
      const since = Number(properties.get(path.slice(0, path.indexOf('@')))?.get(ZFS_SINCE) ?? 0)
      if (!isName(snapshot) || order <= since || values.get('defer_destroy') === 'on') continue
      const createdAt = new Date(Number(values.get('creation') ?? 0) * 1000).toISOString()
      const identity = values.get('guid') ?? ''
      found.snapshots.push({ name: snapshot, identity, createdAt, aside: aside !== undefined, order })
    } else if (place === 'live') {
      found.live = values.get(ZFS_FROZEN) === 'yes' ? 'frozen' : 'writable'
      const limit = Number(values.get('refquota') ?? 0)
      if (limit > 0) found.limitBytes = limit
    }
  }
  return [...volumes]
    .filter(([, { live, snapshots }]) => live !== 'absent' || snapshots.length > 0)
    .map(([name, { live, limitBytes, snapshots }]) => ({
      name,
      live,
      limitBytes,
      snapshots: snapshots
        .sort((a, b) => Number(b.aside) - Number(a.aside) || a.order - b.order)
        .map((each) => ({ name: each.name, identity: each.identity, createdAt: each.createdAt })),
    }))
}
