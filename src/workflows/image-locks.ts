import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { refuseWhileLocked, withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'

/** No app can be called this, so it is no app's own lock. */
const PRUNE = '_prune'
/** Held for moments only, by commands that hold an app's lock. */
const IN_TURN = '_lab'

/** Runs `work`, which makes, pushes or deploys images of an app, while nothing else of that app and no `lab prune` does. */
export async function withImagesOf<T>(lab: OpenLab, app: string, command: string, work: () => Promise<T>): Promise<T> {
  const locks = join(lab.lab.stateDirectory, 'locks')
  return withLock(join(locks, app), command, async () => {
    // Whoever prunes takes its lock, then looks at those of apps; so of two that begin at once, one sees the other.
    await refuseWhileLocked(join(locks, PRUNE))
    return work()
  })
}

/** Runs `work`, which removes images, while no command makes or deploys any. */
export async function withoutDeploys<T>(lab: OpenLab, work: () => Promise<T>): Promise<T> {
  const locks = join(lab.lab.stateDirectory, 'locks')
  return withLock(lab.lab.stateDirectory, 'prune', () =>
    withLock(join(locks, PRUNE), 'prune', async () => {
      const names = (await readdir(locks)).filter((name) => name !== PRUNE && name !== IN_TURN)
      for (const name of names) await refuseWhileLocked(join(locks, name))
      return work()
    }),
  )
}
