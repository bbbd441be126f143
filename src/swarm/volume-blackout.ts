import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { VolumeService } from '../model/volume-service.ts'

/** Measures how long a service was away while its volume moved. */
export interface BlackoutWatch {
  /**
   * Milliseconds from the end of the old container to the first sign that the new one serves; to now if it has given
   * none yet. 0 when no container ended.
   */
  measure(): number
  close(): void
}

const SERVICE_LABEL = 'com.docker.swarm.service.id'

/**
 * Watches the events of both engines with one monotonic clock, this process's own: `die` of a container of the service
 * on the source, then `healthy` (or `start`, without a health check) on the target. A container that had ended before
 * counts from its end by its engine's own clock.
 */
export async function watchBlackout(source: Docker, target: Docker, service: VolumeService): Promise<BlackoutWatch> {
  let died: number | undefined
  let serves: number | undefined
  const serving = service.healthChecked ? 'health_status: healthy' : 'start'
  const streams = await Promise.all([
    events(source, service, (action) => {
      if (action === 'die') died ??= performance.now()
    }),
    events(target, service, (action) => {
      if (action === serving && died !== undefined) serves ??= performance.now()
    }),
  ])
  died ??= await endedBefore(source, service)
  return {
    measure: () => (died === undefined ? 0 : Math.max(0, Math.round((serves ?? performance.now()) - died))),
    close: () => {
      for (const stream of streams) stream.destroy()
    },
  }
}

async function events(engine: Docker, service: VolumeService, onAction: (action: string) => void): Promise<Readable> {
  const stream = (await engine.getEvents({
    filters: { type: ['container'], label: [`${SERVICE_LABEL}=${service.id}`] },
  })) as unknown as Readable
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.trim() !== '') onAction((JSON.parse(line) as { Action?: string }).Action ?? '')
    }
  })
  // An engine that goes away gives no more events; the move itself says so.
  stream.on('error', () => undefined)
  return stream
}

/** When the newest container of the service ended, if none of them runs; on this process's clock. */
async function endedBefore(engine: Docker, service: VolumeService): Promise<number | undefined> {
  const filters = { label: [`${SERVICE_LABEL}=${service.id}`] }
  const containers = await engine.listContainers({ all: true, filters })
  if (containers.length === 0 || containers.some(({ State }) => State === 'running')) return undefined
  // One that is only just made has not ended.
  const ended = containers.filter(({ State }) => State === 'exited' || State === 'dead')
  const [newest] = ended.toSorted((a, b) => b.Created - a.Created)
  if (newest === undefined) return undefined
  const [{ State }, { SystemTime }] = await Promise.all([
    engine.getContainer(newest.Id).inspect(),
    engine.info() as Promise<{ readonly SystemTime: string }>,
  ])
  const agoMs = msSinceEnd(SystemTime, State.FinishedAt)
  return agoMs === undefined ? undefined : performance.now() - agoMs
}

/** Pure: how long ago a container ended, by its engine's clock. One that never ran has ended in the year 1, says the engine. */
export function msSinceEnd(now: string, finishedAt: string): number | undefined {
  const agoMs = Date.parse(now) - Date.parse(finishedAt)
  return agoMs >= 0 && Date.parse(finishedAt) > 0 ? agoMs : undefined
}
