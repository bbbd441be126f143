import type { VolumeRecord } from './volume.ts'

/** The service of a volume. */
export interface VolumeService {
  readonly id: string
  readonly name: string
  readonly image: string
  /** Longest the engine lets its containers take to stop. */
  readonly stopGraceMs: number
  readonly healthChecked: boolean
}

/** What a move needs to know of the swarm, and to do there. */
export interface VolumeScheduler {
  /** Nodes (by name) that carry the volume's label: one at most, unless somebody meddled with the swarm. */
  placed(volume: string): Promise<readonly string[]>
  /** Makes exactly this node carry the label, or none. Taken off first, then put on. */
  place(volume: string, node: string | undefined): Promise<void>
  /** The service that uses the volume, or undefined when it is not deployed or scaled to 0. */
  service(record: VolumeRecord): Promise<VolumeService | undefined>
  /**
   * Waits until the service's task serves on the node: healthy, or running where it has no check. Throws `NOT_SERVING`
   * when it does not: the node is down, its tasks fail, or the time is up.
   */
  waitServing(service: VolumeService, node: string, deadlineMs: number, signal?: AbortSignal): Promise<void>
}
