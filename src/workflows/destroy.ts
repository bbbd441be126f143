import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/**
 * Removes every machine, volume, network and loop device of the lab, and `.lab/`. Images stay unless `images`. Found by
 * labels, so it works whatever became of the lab's own files.
 */
export async function destroy(open: OpenLab, options: { readonly images: boolean }): Promise<void> {
  const started = performance.now()
  await withLock(open.lab.stateDirectory, 'destroy', async () => {
    await open.close()
    const machines = await open.machines()
    await Promise.all(
      machines.map(({ name }) =>
        runTask(open.emit, `destroy ${name}`, () => open.provider.destroy(name), { node: name }),
      ),
    )
    await runTask(open.emit, options.images ? 'remove volumes, network and images' : 'remove volumes and network', () =>
      open.provider.cleanUp(options),
    )
    open.refresh()
  })
  await open.state.remove()
  const message = `the lab "${open.lab.name}" is gone${options.images ? ', its images too' : '; images are kept for the next one'}`
  open.emit({ type: 'done', command: 'destroy', message, durationMs: Math.round(performance.now() - started) })
}
