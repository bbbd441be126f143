import { joinErrors, toLabError, UsageError } from '../model/errors.ts'
import { swappedHosts } from './swapped-hosts.ts'
import { otherName } from './judge-change.ts'
import { namesakesOf } from './live-changes.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** What goes besides the lab itself. */
export interface DestroyOptions {
  /** Downloaded and built images. */
  readonly images: boolean
  /** Snapshots of the whole lab. */
  readonly snapshots: boolean
}

/**
 * Removes every machine, volume, network and loop device of the lab, and `.lab/`. Images and snapshots stay unless they
 * are asked for. Found by labels, so it works whatever became of the lab's own files. Machines that cannot be removed are
 * named together once all others are gone; the same again goes on. Throws, with nothing removed, where the lab of this
 * directory has another name than lab.yml gives it, or a host of it is not the one that lab.yml names.
 */
export async function destroy(open: OpenLab, options: DestroyOptions): Promise<void> {
  const started = performance.now()
  await withLock(open.lab.stateDirectory, 'destroy', async () => {
    await open.close()
    const machines = await open.machines()
    const [namesake] = machines.length === 0 ? await namesakesOf(open) : []
    if (namesake !== undefined) {
      const { message, hint } = otherName(open.spec.name, namesake)
      throw new UsageError(`${message}: nothing was removed`, { where: 'lab.yml', hint }, 'CHANGE_REFUSED')
    }
    for (const { name, before } of await swappedHosts(open)) {
      throw new UsageError(
        `${before} is ${name} of this lab, and lab.yml names another host: nothing was removed`,
        {
          where: 'lab.yml',
          hint: `put ${before} back, so that it is given back; where it is lost for good: lab node replace ${name}`,
        },
        'CHANGE_REFUSED',
      )
    }
    const ended = await Promise.allSettled(
      machines.map(({ name }) =>
        runTask(open.emit, `destroy ${name}`, () => open.provider.destroy(name), { node: name }),
      ),
    )
    // One that cannot be had keeps none of the others, nor is it given up: the lab's files, and its key to it, stay.
    const [first, ...more] = ended.flatMap((each) => (each.status === 'rejected' ? [toLabError(each.reason)] : []))
    if (first !== undefined) throw joinErrors([first, ...more])
    const rest = options.images ? 'remove volumes, network and images' : 'remove volumes and network'
    // Hosts that were there before have been given back, and there is nothing else.
    if (open.spec.provider === 'ssh') await open.provider.cleanUp(options)
    else await runTask(open.emit, rest, () => open.provider.cleanUp(options))
    open.refresh()
  })
  await open.state.remove()
  const images = imagesText(open, options)
  const message = `the lab "${open.lab.name}" is gone${images}${await keptSnapshots(open)}`
  open.emit({ type: 'done', command: 'destroy', message, durationMs: Math.round(performance.now() - started) })
}

function imagesText({ spec }: OpenLab, { images }: DestroyOptions): string {
  if (spec.provider === 'ssh') return '; its hosts are what they were'
  return images ? ', its images too' : '; images are kept for the next one'
}

async function keptSnapshots({ provider }: OpenLab): Promise<string> {
  const kept = (await provider.snapshots?.list()) ?? []
  if (kept.length === 0) return ''
  const names = kept.map(({ name }) => name).join(', ')
  return `; kept: the snapshot${kept.length === 1 ? '' : 's'} ${names} ("lab snapshot restore NAME" brings the lab back from one, "lab destroy --snapshots" removes them)`
}
