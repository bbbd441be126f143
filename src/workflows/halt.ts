import type { Machine } from '../model/provider.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/**
 * Stops every machine. Managers go first: without them nobody moves the tasks of a worker that stops, so that the next
 * `up` finds everything where it was.
 */
export async function halt(open: OpenLab): Promise<{ readonly stopped: readonly string[] }> {
  return withLock(open.lab.stateDirectory, 'halt', async () => {
    const started = performance.now()
    const stopped = await stopMachines(open)
    const message =
      stopped.length === 0 ? 'nothing was running' : `stopped ${stopped.join(', ')}; "lab up" starts them again`
    open.emit({ type: 'done', command: 'halt', message, durationMs: Math.round(performance.now() - started) })
    return { stopped }
  })
}

/** Stops every machine that runs, managers first, and says which. For whoever holds the lab's lock. */
export async function stopMachines(open: OpenLab): Promise<readonly string[]> {
  const running = (await open.machines()).filter((machine) => machine.state === 'running')
  const isManager = (machine: Machine) =>
    open.spec.nodes.some((node) => node.name === machine.name && node.roles.includes('manager'))
  await open.close()
  await stopAll(open, running.filter(isManager))
  await stopAll(
    open,
    running.filter((machine) => !isManager(machine)),
  )
  await open.provider.front?.stop()
  open.refresh()
  return running.map((machine) => machine.name)
}

async function stopAll(open: OpenLab, machines: readonly Machine[]): Promise<void> {
  await Promise.all(
    machines.map(({ name }) => runTask(open.emit, `stop ${name}`, () => open.provider.stop(name), { node: name })),
  )
}
