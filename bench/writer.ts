import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { VolumesDocument } from '../src/model/documents.ts'
import type { Lab } from './lab.ts'
import type { Session } from './session.ts'

/** Name of the app in volume-app/, of its service and of its volume. */
export const WRITER = { app: 'bench-writer', service: 'bench-writer_writer', volume: 'bench-writer-data' } as const

/** Where its volume is served on the node that owns it, and the one file in it. */
export const SERVED = `/run/lab/volumes/${WRITER.volume}`
export const SERVED_FILE = `${SERVED}/data`

/** How much it holds and writes: MiB, and MiB a second. A file that is larger already stays as it is. */
export interface Load {
  readonly size: number
  readonly rate: number
}

/** What `lab move-volume` said of a move. */
export interface MoveFigures {
  readonly rounds: number
  readonly bytesSent: number
  readonly blackoutMs: number
  readonly durationMs: number
}

/** Makes the app ready to be deployed, and answers with what deploys it. The app and its data go when the bench ends. */
export async function prepareWriter(session: Session, lab: Lab): Promise<(load: Load) => Promise<unknown>> {
  const source = join(session.temporary, WRITER.app)
  await cp(join(session.root, 'bench/volume-app'), source, { recursive: true })
  session.defer(async () => {
    await lab.run(['rm', WRITER.app])
    await lab.run(['volume', 'destroy', WRITER.volume, '--yes'])
  })
  return ({ size, rate }) =>
    lab.run(['deploy', source, '--set', `sizeMiB=${String(size)}`, '--set', `rateMiB=${String(rate)}`])
}

/** Moves the volume with its service; answers with what it cost. */
export function move(lab: Lab, to: string): Promise<MoveFigures> {
  return lab.last<MoveFigures>(['move-volume', WRITER.volume, to])
}

/** The node that has the volume. */
export async function owner(lab: Lab): Promise<string> {
  const { volumes } = await lab.last<VolumesDocument>(['volumes'])
  const volume = volumes.find((each) => each.name === WRITER.volume)
  if (volume === undefined) throw new Error(`there is no volume ${WRITER.volume}`)
  return volume.owner
}

/** The worker after this one. */
export function otherThan({ workers }: Lab, node: string): string {
  return workers[(workers.indexOf(node) + 1) % workers.length] ?? node
}
