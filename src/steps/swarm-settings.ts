import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import type { Change } from '../model/step.ts'

/** Settings of a whole swarm, changed on one of its managers. */
export interface SwarmSettingsOptions {
  /** How often nodes report, in milliseconds: three missed and a node counts as down. */
  readonly heartbeatMs: number
  /** Finished tasks kept for each slot of a service. */
  readonly taskHistory: number
  /**
   * How long certificates of members are valid, in days. They are renewed while their nodes run; a swarm that lay still
   * for longer does not come back by itself. @default what it is
   */
  readonly certificateDays?: number
}

/**
 * Settings of the swarm that can change after it was founded.
 * @example swarmSettings({ heartbeatMs: 1000, taskHistory: 2 })
 * @throws FACT_UNAVAILABLE: the engine does not run.
 * @throws STEP_FAILED: the node is not a manager.
 */
export const swarmSettings = defineStep({
  kind: 'swarm-settings',
  title: (wanted: SwarmSettingsOptions) =>
    `the swarm's heartbeat ${String(wanted.heartbeatMs)} ms, task history ${String(wanted.taskHistory)}`,
  facts: () => ({ engine: engineState }),
  diff(wanted, { engine }) {
    const found = engine.swarm.settings
    return (['heartbeatMs', 'taskHistory', 'certificateDays'] as const).flatMap((path): Change[] =>
      wanted[path] === undefined || found?.[path] === wanted[path]
        ? []
        : [{ path, from: text(found?.[path]), to: text(wanted[path]) }],
    )
  },
  apply: ({ heartbeatMs, taskHistory, certificateDays }) => [
    {
      argv: [
        'docker',
        'swarm',
        'update',
        `--dispatcher-heartbeat=${String(heartbeatMs)}ms`,
        `--task-history-limit=${String(taskHistory)}`,
        ...(certificateDays === undefined ? [] : [`--cert-expiry=${String(certificateDays * 24)}h`]),
      ],
    },
  ],
})

function text(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
