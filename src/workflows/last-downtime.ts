import { join } from 'node:path'
import type { RunEvent } from '../model/events.ts'
import { lastTold } from '../reporters/past-runs.ts'
import type { OpenLab } from './open-lab.ts'

/** How long the service of a volume was away when the volume moved last, in ms; undefined where no move is on record. */
export function lastDowntime({ lab }: Pick<OpenLab, 'lab'>, volume: string): number | undefined {
  return lastTold(join(lab.stateDirectory, 'runs'), (event) => downtimeOf(event, volume))
}

/**
 * Pure: what an event says of it. A move that was cut off with its service stopped, and finished by a later run, tells how
 * long nobody ran it, not how long it takes.
 */
export function downtimeOf(event: RunEvent, volume: string): number | undefined {
  if (event.type !== 'moved' || event.volume !== volume) return undefined
  return event.blackoutMs > 0 && event.blackoutMs <= event.durationMs ? event.blackoutMs : undefined
}
