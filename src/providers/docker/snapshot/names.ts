import type Docker from 'dockerode'
import type { LabIdentity } from '../../../model/lab-spec.ts'
import { LABELS } from '../../../model/names.ts'
import type { LabSnapshot } from '../../../model/snapshot.ts'
import { labLabels, volumeNames } from '../machine.ts'

/** The volumes of a node. */
export const NODE_VOLUMES = ['docker', 'state'] as const
export type NodeVolume = (typeof NODE_VOLUMES)[number]

/** What every image of a snapshot is called, whatever the lab. */
const IMAGE_PREFIX = 'lab-snapshot/'

/** Whether an image is a snapshot's, by one of its names. */
export function isSnapshotImage(tags: readonly string[] | null | undefined): boolean {
  return tags?.some((tag) => tag.startsWith(IMAGE_PREFIX)) ?? false
}

/** Images of the lab's snapshots are called `lab-snapshot/<lab>/<snapshot>:<node>`. */
export function snapshotRepository(lab: LabIdentity, snapshot: string): string {
  return `${IMAGE_PREFIX}${lab.id}/${snapshot}`
}

/** The image with a node's own files. */
export function snapshotImage(lab: LabIdentity, snapshot: string, node: string): string {
  return `${snapshotRepository(lab, snapshot)}:${node}`
}

/** The copy of a node's volume. Names of labs, snapshots and nodes hold no dot, so these never meet those of nodes. */
export function savedVolume(lab: LabIdentity, snapshot: string, node: string, volume: NodeVolume): string {
  return `${lab.id}.${snapshot}.${node}.${volume}`
}

/** Holds the files that are kept with a snapshot. */
export function filesVolume(lab: LabIdentity, snapshot: string): string {
  return `${lab.id}.${snapshot}.files`
}

/** Made last, empty: a snapshot is what has one. */
export function manifestVolume(lab: LabIdentity, snapshot: string): string {
  return `${lab.id}.${snapshot}`
}

/** Where a node's volume is copied to before it takes its place. */
export function stagedVolume(lab: LabIdentity, snapshot: string, node: string, volume: NodeVolume): string {
  return `${savedVolume(lab, snapshot, node, volume)}.staged`
}

/** Is there, empty, from before the first node is removed until all are back. */
export function restoringVolume(lab: LabIdentity, snapshot: string): string {
  return `${lab.id}.${snapshot}.restoring`
}

/** The node's own volume. */
export function nodeVolume(lab: LabIdentity, node: string, volume: NodeVolume): string {
  return volumeNames(lab, node)[volume]
}

/** Makes a volume that belongs to a snapshot; one that is there stays as it is. */
export async function makeVolume(
  engine: Docker,
  lab: LabIdentity,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await engine.createVolume({ Name: name, Driver: 'local', Labels: { ...labLabels(lab), ...labels } })
}

/** The lab's volumes with a label, `key` or `key=value`. */
export async function volumesWith(
  engine: Docker,
  lab: LabIdentity,
  label: string,
): Promise<readonly Docker.VolumeInspectInfo[]> {
  const filters = { label: [`${LABELS.lab}=${lab.id}`, label] }
  // An engine without any such volume answers null, whatever its types say.
  const { Volumes } = (await engine.listVolumes({ filters })) as { Volumes: Docker.VolumeInspectInfo[] | null }
  return Volumes ?? []
}

/** The snapshot that a manifest's labels tell of; undefined where they are not those of one. */
export function readManifest(labels: Readonly<Record<string, string>> | null): LabSnapshot | undefined {
  const text = labels?.[LABELS.manifest]
  return text === undefined ? undefined : (JSON.parse(text) as LabSnapshot)
}
