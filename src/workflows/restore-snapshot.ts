import type { LabSnapshot } from '../model/snapshot.ts'
import { hostKey, labKey } from '../secrets/lab-secrets.ts'
import { afterStart } from './after-start.ts'
import { APPLIED_FILE } from './applied.ts'
import { DISKS_FILE } from './disks.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { findSnapshot, snapshotStore } from './snapshot.ts'
import { runTask } from './task.ts'

/**
 * Makes the lab what it was when a snapshot was saved: nodes, swarm, volumes, registry, addresses, and the keys of `.lab/`.
 * What is there now is gone afterwards. Nothing of it is touched before everything is copied; cut off later, the same
 * again does the rest.
 */
export async function restoreSnapshot(open: OpenLab, name: string): Promise<void> {
  const store = snapshotStore(open)
  const snapshot = await findSnapshot(open, name)
  await withLock(open.lab.stateDirectory, 'snapshot restore', async () => {
    const started = performance.now()
    const files = await store.files(snapshot)
    await runTask(open.emit, 'copy what the snapshot holds', (task) =>
      store.stage(snapshot, (line) => task.progress(line), open.signal),
    )
    await open.close()
    // Of a lab that was saved before such things were noted, nodes are asked.
    const kept = { [DISKS_FILE]: '', [APPLIED_FILE]: '', ...files }
    for (const [file, content] of Object.entries(kept)) await open.state.write(file, content)
    const keysOf = async (machine: string) => ({
      hostKey: await hostKey(open.state, machine),
      authorizedKey: (await labKey(open.state)).publicKey,
    })
    await runTask(open.emit, 'put the nodes of the snapshot in place', (task) =>
      store.restore(snapshot, keysOf, (line) => task.progress(line), open.signal),
    )
    await afterStart(
      open,
      snapshot.machines.map((machine) => machine.name),
    )
    sayDifferences(open, snapshot)
    const durationMs = Math.round(performance.now() - started)
    open.emit({ type: 'snapshot-restored', snapshot: name, nodes: snapshot.machines.length, durationMs })
  })
}

/** `lab.yml` is the user's own and stays as it is. */
function sayDifferences(open: OpenLab, { name, machines }: LabSnapshot): void {
  const saved = machines.map((machine) => machine.name)
  const wanted = open.spec.nodes.map((node) => node.name)
  const warn = (message: string) => {
    open.emit({ type: 'notice', level: 'warning', message })
  }
  const missing = wanted.filter((node) => !saved.includes(node))
  const extra = saved.filter((node) => !wanted.includes(node))
  if (missing.length > 0) warn(`${missing.join(', ')} of lab.yml are not in ${name}: "lab up" makes them`)
  if (extra.length > 0) warn(`${extra.join(', ')} of ${name} are not in lab.yml any more`)
}
