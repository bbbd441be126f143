import type Docker from 'dockerode'

/**
 * States of a task in the order a task goes through them. Everything up to `running` is alive; the rest is final.
 * With a health check a task is `starting` until it is healthy, and only then `running`.
 */
export const LIVE_STATES = [
  'new',
  'allocated',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
] as const
export type TaskState =
  (typeof LIVE_STATES)[number] | 'complete' | 'shutdown' | 'failed' | 'rejected' | 'remove' | 'orphaned'

/** A task as the Swarm API lists it: the parts lab reads. */
export interface SwarmTask {
  readonly ID: string
  readonly CreatedAt: string
  readonly UpdatedAt: string
  readonly ServiceID: string
  readonly Slot?: number
  readonly NodeID?: string
  readonly DesiredState: TaskState
  readonly Spec: Docker.ContainerTaskSpec
  readonly Status: {
    readonly Timestamp: string
    readonly State: TaskState
    readonly Message?: string
    readonly Err?: string
    readonly ContainerStatus?: {
      readonly ContainerID?: string
      readonly PID?: number
      readonly ExitCode?: number
    }
  }
  readonly NetworksAttachments?: readonly {
    readonly Network: { readonly ID: string; readonly Spec?: { readonly Name?: string } }
    readonly Addresses?: readonly string[]
  }[]
  readonly JobIteration?: { readonly Index?: number }
}

/** A node as the Swarm API lists it: the parts lab reads. */
export interface SwarmNodeObject {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: {
    readonly Name?: string
    readonly Labels?: Readonly<Record<string, string>>
    readonly Role: 'worker' | 'manager'
    readonly Availability: 'active' | 'pause' | 'drain'
  }
  readonly Description: {
    readonly Hostname: string
    readonly Platform?: { readonly Architecture?: string; readonly OS?: string }
    readonly Engine?: { readonly EngineVersion?: string; readonly Labels?: Readonly<Record<string, string>> }
  }
  readonly Status: { readonly State: 'unknown' | 'down' | 'ready' | 'disconnected'; readonly Addr?: string }
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability?: string; readonly Addr?: string }
}
