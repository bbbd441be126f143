import type { FaultKind } from './fault.ts'
import type { Garbage } from './garbage.ts'
import type { ForeseenMove, MovedVolume, PromotedVolume } from './volume-outcome.ts'

/** Outcome of one step on one node. */
export type Outcome = 'ok' | 'changed' | 'would-change' | 'maybe' | 'failed' | 'skipped'

/** Counts of one node in a recap. */
export interface HostRecap {
  readonly ok: number
  readonly changed: number
  readonly maybe: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Everything lab reports while it works. Reporters, `--json` and the run records consume the same events.
 * Fields may be added, never renamed. Durations are milliseconds.
 */
export type RunEvent =
  | { readonly type: 'run-started'; readonly command: string; readonly lab?: string; readonly at: string }
  /** A stretch of work with a name of its own; `task` identifies it until it finishes. */
  | { readonly type: 'task-started'; readonly task: string; readonly title: string; readonly node?: string }
  | { readonly type: 'task-progress'; readonly task: string; readonly line: string }
  | {
      readonly type: 'task-finished'
      readonly task: string
      readonly title: string
      readonly outcome: 'done' | 'failed' | 'unchanged'
      readonly detail?: string
      readonly durationMs: number
    }
  | { readonly type: 'play-started'; readonly play: string; readonly nodes: readonly string[] }
  | {
      readonly type: 'step'
      readonly node: string
      readonly play: string
      readonly kind: string
      readonly title: string
      readonly outcome: Outcome
      readonly changes: readonly { readonly path: string; readonly from?: string; readonly to?: string }[]
      /** Lines of a file that change, as a unified diff. */
      readonly diff?: string | undefined
      readonly durationMs: number
    }
  | { readonly type: 'notice'; readonly level: 'info' | 'warning'; readonly message: string }
  | {
      readonly type: 'recap'
      readonly hosts: Readonly<Record<string, HostRecap>>
      readonly changed: number
      readonly failed: number
      readonly durationMs: number
    }
  | {
      readonly type: 'deployed'
      readonly app: string
      readonly services: readonly string[]
      readonly changed: boolean
      readonly durationMs: number
    }
  | {
      readonly type: 'scaled'
      readonly service: string
      readonly from: number
      readonly to: number
      readonly addresses: readonly string[]
      readonly durationMs: number
    }
  | ({ readonly type: 'moved' } & MovedVolume)
  /** `sizeBytes`: what it took on the host; `sharedBytes`: what it has in common with the lab. */
  | {
      readonly type: 'snapshot-saved'
      readonly snapshot: string
      readonly nodes: number
      readonly sizeBytes: number
      readonly sharedBytes: number
      readonly durationMs: number
    }
  | {
      readonly type: 'snapshot-restored'
      readonly snapshot: string
      readonly nodes: number
      readonly durationMs: number
    }
  | {
      readonly type: 'snapshot-deleted'
      readonly snapshot: string
      readonly sizeBytes: number
      readonly durationMs: number
    }
  /** What was removed; with `check`, what would be. `bytes`: in all, as far as `parts` have them. */
  | {
      readonly type: 'pruned'
      readonly check: boolean
      readonly parts: readonly Garbage[]
      readonly bytes: number
      readonly durationMs: number
    }
  | ({ readonly type: 'move-checked' } & ForeseenMove)
  | ({ readonly type: 'promoted' } & PromotedVolume)
  /** A fault strikes a node, `atMs` after the run began. */
  | { readonly type: 'fault'; readonly fault: FaultKind; readonly node: string; readonly atMs: number }
  /** What `lab status` says of it while it lasts. */
  | { readonly type: 'fault-seen'; readonly fault: FaultKind; readonly node: string; readonly seen: readonly string[] }
  /**
   * Its cause was taken away, and after `healedMs` all was as before: nodes, services, names. `elsewhereMs`: after this
   * much of it everything that can run without the node did, in full. `violations`: what must not be and was.
   */
  | {
      readonly type: 'fault-healed'
      readonly fault: FaultKind
      readonly node: string
      readonly atMs: number
      readonly healedMs: number
      readonly elsewhereMs?: number
      readonly requests: number
      readonly failedRequests: number
      readonly longestOutageMs: number
      readonly violations: readonly string[]
    }
  /** A whole run of `lab chaos`. */
  | {
      readonly type: 'chaos'
      readonly seed: number
      readonly faults: number
      readonly requests: number
      readonly failedRequests: number
      /** Writes that were acknowledged; each was read back at the end. */
      readonly acknowledged: number
      /** Volumes whose writers were watched. */
      readonly volumes: readonly string[]
      readonly violations: readonly string[]
      readonly durationMs: number
    }
  /** Every step of a long command with its time, at its end. */
  | {
      readonly type: 'summary'
      readonly steps: readonly { readonly title: string; readonly durationMs: number }[]
      readonly url?: string
      readonly durationMs: number
    }
  | { readonly type: 'done'; readonly command: string; readonly message: string; readonly durationMs: number }
  | {
      readonly type: 'error'
      readonly code: string
      readonly message: string
      readonly where?: string
      readonly hint?: string
    }

/** Takes events as they happen. `close` is called once, after the last. */
export interface Reporter {
  on(event: RunEvent): void
  close?(): void | Promise<void>
}

/** Where work reports to. */
export type Emit = (event: RunEvent) => void
