/** A transfer from node to node, as the sending node knows it. */
export interface TransferJob {
  readonly snapshot: string
  readonly since: string | undefined
  readonly target: string
  readonly active: boolean
}

/** How a transfer is watched. */
export interface TransferWatch {
  /** Told the bytes sent so far, about once a second. */
  onProgress(bytes: number): void
  /** Aborted: stop waiting; the transfer goes on. */
  readonly signal?: AbortSignal
}

/** What is to be sent of a volume, and what comes on top of it. */
export interface VolumeChanges {
  readonly bytes: number
  /** Bytes that were written in `overMs` and are different now; what was written twice counts once. */
  readonly writtenBytes: number
  readonly overMs: number
}
