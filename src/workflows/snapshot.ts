import { UsageError } from '../model/errors.ts'
import type { LabSnapshotsDocument } from '../model/documents.ts'
import { checkName, unknownName } from '../model/names.ts'
import type { LabSnapshot, SnapshotFiles, SnapshotStore } from '../model/snapshot.ts'
import { afterStart } from './after-start.ts'
import { stopMachines } from './halt.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Files of the state directory that say nothing of the lab: records of runs, the lock, what is written anew at each start. */
const NOT_KEPT = /^(runs\/|lock|known_hosts$|ssh_config$)|\.\d+\.new$/

/** The provider's snapshots. Throws `UsageError` `NO_SNAPSHOTS`, with what to type instead, where it keeps none. */
export function snapshotStore({ provider }: Pick<OpenLab, 'provider'>): SnapshotStore {
  if (provider.snapshots !== undefined) return provider.snapshots
  throw new UsageError(
    `the provider ${provider.name} keeps no snapshots of a lab: its machines are not lab's to copy`,
    { hint: provider.snapshotHint ?? 'lab halt, take a snapshot of each machine with what runs it, lab up' },
    'NO_SNAPSHOTS',
  )
}

/** Every snapshot of the lab. */
export async function snapshotsDocument(open: OpenLab): Promise<LabSnapshotsDocument> {
  return { snapshots: await snapshotStore(open).list() }
}

/** The snapshot of a name. */
export async function findSnapshot(open: OpenLab, name: string): Promise<LabSnapshot> {
  const all = await snapshotStore(open).list()
  const found = all.find((snapshot) => snapshot.name === name)
  if (found !== undefined) return found
  throw unknownName(
    'snapshot',
    name,
    all.map((snapshot) => snapshot.name),
  )
}

/**
 * Saves every node as it is. They are shut down for it, managers first, as `halt` does, so that what is saved is what a
 * lab at rest holds; those that ran run again at the end, whether it went well or not.
 */
export async function saveSnapshot(open: OpenLab, name: string): Promise<void> {
  const store = snapshotStore(open)
  checkName('snapshot', name)
  if ((await store.list()).some((snapshot) => snapshot.name === name)) {
    throw new UsageError(
      `there is a snapshot ${name} already`,
      { hint: `lab snapshot delete ${name}` },
      'SNAPSHOT_EXISTS',
    )
  }
  await withLock(open.lab.stateDirectory, 'snapshot save', async () => {
    const started = performance.now()
    const files = await stateFiles(open)
    const running = await stopMachines(open)
    let saved: LabSnapshot
    try {
      saved = await runTask(open.emit, `copy the nodes to ${name}`, (task) =>
        store.save(name, files, (line) => task.progress(line), open.signal),
      )
    } catch (error) {
      // Somebody who stops a save wants the lab, too; starting is quick, and waiting for the apps can wait.
      for (const machine of running) await open.provider.start(machine, new AbortController().signal)
      throw error
    }
    await startAgain(open, running)
    const { sizeBytes, sharedBytes, machines } = saved
    const durationMs = Math.round(performance.now() - started)
    open.emit({ type: 'snapshot-saved', snapshot: name, nodes: machines.length, sizeBytes, sharedBytes, durationMs })
  })
}

/** Removes a snapshot. The lab is not touched. */
export async function deleteSnapshot(open: OpenLab, name: string): Promise<void> {
  const { sizeBytes } = await findSnapshot(open, name)
  await withLock(open.lab.stateDirectory, 'snapshot delete', async () => {
    const started = performance.now()
    await snapshotStore(open).delete(name)
    const durationMs = Math.round(performance.now() - started)
    open.emit({ type: 'snapshot-deleted', snapshot: name, sizeBytes, durationMs })
  })
}

async function startAgain(open: OpenLab, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await Promise.all(
    names.map((name) =>
      runTask(open.emit, `start ${name}`, () => open.provider.start(name, open.signal), { node: name }),
    ),
  )
  await afterStart(open, names)
}

async function stateFiles({ state }: OpenLab): Promise<SnapshotFiles> {
  const files: Record<string, string> = {}
  for (const name of await state.list()) {
    if (!NOT_KEPT.test(name)) files[name] = (await state.read(name)) ?? ''
  }
  return files
}
