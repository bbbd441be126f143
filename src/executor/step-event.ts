import type { Outcome, RunEvent } from '../model/events.ts'
import type { LabError } from '../model/errors.ts'
import type { Change, Step } from '../model/step.ts'

/** A step of one host, with the name of its play. */
export interface HostStep {
  readonly play: string
  readonly step: Step
}

/** What became of a step, as everybody is told. */
export function stepEvent(
  node: string,
  { play, step }: HostStep,
  outcome: Outcome,
  changes: readonly Change[],
  durationMs: number,
  diff: string | undefined,
): RunEvent {
  return {
    type: 'step',
    node,
    play,
    kind: step.kind,
    title: step.title,
    outcome,
    changes: changes.map(({ path, from, to }) => ({
      path,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    })),
    ...(diff === undefined ? {} : { diff }),
    durationMs,
  }
}

/** What went wrong on a host, told at once. */
export function failedEvent(node: string, play: string, { code, message }: LabError): RunEvent {
  return {
    type: 'step',
    node,
    play,
    kind: code.toLowerCase(),
    title: message,
    outcome: 'failed',
    changes: [],
    durationMs: 0,
  }
}
