import { volumeKeys, volumeLimit, volumeName, type ComposeConfig } from '../apps/compose-config.ts'
import { volumeWishes } from '../apps/volume-wishes.ts'
import { NO_POLICY, policyText } from '../model/volume-policy.ts'
import { policyAsWished, type VolumeWishes } from '../model/volume-wishes.ts'
import { findVolume } from '../volumes/find-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { ensureVolume, type EnsuredVolume } from './volume-life.ts'
import { openVolumes } from './volume-nodes.ts'
import { changePolicy, deleteReplicas } from './volume-replicas.ts'

/** Pure: the volumes that an app's services use, its own and others. */
export function namesOfVolumes(app: string, config: ComposeConfig): readonly string[] {
  return Object.values(config.services).flatMap((service) =>
    volumeKeys(service).map((key) => volumeName(app, key, config.volumes?.[key])),
  )
}

/** Makes or finds the volumes of an app, by their keys, and has each do by itself what the file says. */
export async function ensureVolumes(
  lab: OpenLab,
  app: string,
  config: ComposeConfig,
): Promise<ReadonlyMap<string, EnsuredVolume>> {
  const volumes = new Map<string, EnsuredVolume>()
  for (const [service, description] of Object.entries(config.services)) {
    for (const key of volumeKeys(description)) {
      const written = config.volumes?.[key]
      const external = written?.external === true
      const { wishes } = volumeWishes(key, written)
      const ensured = await ensureVolume(lab, {
        name: volumeName(app, key, written),
        app,
        service,
        external,
        limitBytes: volumeLimit(written),
        avoid: wishes.replicas?.map(({ node }) => node) ?? [],
      })
      await applyWishes(lab, ensured.name, wishes)
      volumes.set(key, ensured)
    }
  }
  return volumes
}

/** Sets replicas, schedule and hooks as a file says. Nothing is locked or written where they are so already. */
async function applyWishes(lab: OpenLab, volume: string, wishes: VolumeWishes): Promise<void> {
  const { record } = findVolume(await openVolumes(lab).records.list(), volume)
  const before = record.policy ?? NO_POLICY
  const { policy, waiting } = policyAsWished(before, record.owner, wishes)
  for (const node of waiting) {
    const message = `${node} owns ${volume}: its replica there begins with the first deploy after it moved`
    lab.emit({ type: 'notice', level: 'warning', message })
  }
  if (policyText(policy) === policyText(before)) return
  let gone: readonly string[] = []
  const changed = await changePolicy(lab, volume, 'replicas, schedule and hooks as the file says', (now, held) => {
    const next = policyAsWished(held, now.owner, wishes).policy
    gone = held.replicas.map(({ node }) => node).filter((node) => !next.replicas.some((each) => each.node === node))
    return next
  })
  if (gone.length > 0) await deleteReplicas(lab, changed, gone)
}
