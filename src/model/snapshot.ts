/** A machine as a snapshot holds it: what it was created with. */
export interface SavedMachine {
  readonly name: string
  readonly address: string
  /** Its addresses on further networks, by their names; absent where it is on none. */
  readonly networks?: Readonly<Record<string, string>>
  readonly specDigest: string
  /** Bytes; undefined is no limit. */
  readonly memoryBytes: number | undefined
  readonly cpus: number | undefined
}

/** A snapshot of a whole lab. */
export interface LabSnapshot {
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
  /** CIDR of the nodes' network. */
  readonly subnet: string
  /** CIDRs of networks besides it, by name; absent where there are none. */
  readonly networks?: Readonly<Record<string, string>>
  readonly machines: readonly SavedMachine[]
  /** Room it took on the host. */
  readonly sizeBytes: number
  /** What it has in common with the lab it was taken of, stored once: room it would take without that lab. */
  readonly sharedBytes: number
}

/** The keys a machine is created with. */
export interface MachineKeys {
  readonly hostKey: { readonly privateKey: string; readonly publicKey: string }
  readonly authorizedKey: string
}

/** Contents of small files by their names; secrets among them. */
export type SnapshotFiles = Readonly<Record<string, string>>

/**
 * Snapshots of all machines of a lab, kept by a provider. Truth lies in labels on what it keeps. A snapshot is listed when
 * it is whole, never before; what an interrupted save left is collected by the next one.
 */
export interface SnapshotStore {
  /** The oldest first. */
  list(): Promise<readonly LabSnapshot[]>
  /**
   * Copies every machine; all must be stopped. `files` are kept with them, where only root reads them.
   * Throws `DISK_FULL` before anything is copied that does not fit.
   */
  save(name: string, files: SnapshotFiles, progress: (line: string) => void, signal: AbortSignal): Promise<LabSnapshot>
  /** The files that were saved with a snapshot. */
  files(snapshot: LabSnapshot): Promise<SnapshotFiles>
  /**
   * Copies what a snapshot holds to where `restore` takes it from, beside the machines there are: takes long, changes
   * nothing of them. Throws `DISK_FULL`, or `SUBNET_IN_USE` where the nodes cannot have their addresses.
   */
  stage(snapshot: LabSnapshot, progress: (line: string) => void, signal: AbortSignal): Promise<void>
  /**
   * Puts the machines of a staged snapshot in place of all there are, and starts them. Cut off in the middle, `stage` and
   * `restore` again do the rest; no machine is created otherwise until then (`RESTORE_CUT_OFF`).
   */
  restore(
    snapshot: LabSnapshot,
    keysOf: (machine: string) => Promise<MachineKeys>,
    progress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Removes a snapshot, or what is left of one that was never finished. */
  delete(name: string): Promise<void>
}
