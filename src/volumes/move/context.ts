import type { LabError } from '../../model/errors.ts'
import type { MovePhase, NodeVolumes, StoredRecord, VolumeRecords } from '../../model/volume.ts'
import type { VolumeScheduler } from '../../model/volume-service.ts'

/** Everything a move does goes through here: what drives it (a command, a test, a model) decides what is behind it. */
export interface MoveContext {
  readonly records: VolumeRecords
  readonly scheduler: VolumeScheduler
  /** Throws `LabError` `UNREACHABLE` for a node that is down. */
  node(name: string): Promise<NodeVolumes>
  /** Opens connections that broke anew. */
  reconnect(): Promise<void>
  /** Every node that may have copies of volumes. */
  readonly workers: readonly string[]
  /** Aborted: stop copying. A move that is past its pre-copy is brought to a safe end first. */
  readonly signal: AbortSignal
  /** Runs one phase as a stretch of work that is shown. */
  inPhase(stored: StoredRecord, work: (progress: (line: string) => void) => Promise<void>): Promise<void>
  notice(message: string): void
  /** The longest the service may be away, in ms: where that cannot be kept, it is not stopped. Absent: as short as can be. */
  readonly maxPauseMs?: number | undefined
  /** How long the service was away when the volume moved last, in ms. Absent: nobody knows. */
  readonly restartMs?: number | undefined
  /** The source was seen to reach the target just now. */
  readonly reached?: boolean
  /** Called before anything of a phase is done; for those who test what happens when it ends there. */
  readonly onPhase?: (phase: MovePhase) => void | Promise<void>
}

/** What a move counted. */
export interface MoveFigures {
  /** Transfers, the final one included. */
  rounds: number
  bytesSent: number
  /** The service that was not seen to serve where its volume is now. */
  notServing?: LabError
}
