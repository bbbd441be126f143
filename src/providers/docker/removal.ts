import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import { waitFor } from '../../model/wait.ts'
import { engineMessage, engineStatus } from '../../model/engine-error.ts'
import { unlessStatus } from './engine.ts'
import { containerName, volumeNames } from './machine.ts'
import { freeLoops } from './loop-devices.ts'
import { removeImages } from './node-image.ts'
import { isSnapshotImage } from './snapshot/names.ts'

/** How long the engine may take to let go of a volume or network whose last container is gone. */
const RELEASE_DEADLINE_MS = 20_000

/** Removes a node with its volumes and loop devices. No clean shutdown. */
export async function destroyNode(engine: Docker, lab: LabIdentity, node: string): Promise<void> {
  await removeContainer(engine, containerName(lab, node))
  await Promise.all(Object.values(volumeNames(lab, node)).map((volume) => removeVolume(engine, lab, volume)))
}

/**
 * Removes whatever carries the lab's label, by label alone: it works when nothing else of the lab is left. Snapshots stay;
 * they are images and volumes with a label of their own.
 */
export async function cleanUpLab(
  engine: Docker,
  lab: LabIdentity,
  options: { readonly images: boolean },
): Promise<void> {
  const filters = { label: [`${LABELS.lab}=${lab.id}`] }
  const containers = await engine.listContainers({ all: true, filters })
  await Promise.all(containers.map(({ Id }) => removeContainer(engine, Id)))
  const { Volumes } = await engine.listVolumes({ filters })
  const volumes = Volumes.filter(({ Labels }) => !(LABELS.snapshot in Labels))
  await Promise.all(volumes.map(({ Name }) => removeVolume(engine, lab, Name)))
  const networks = await engine.listNetworks({ filters })
  await Promise.all(networks.map(({ Id, Name }) => removeNetwork(engine, Id, Name)))
  // A node that was put back from a snapshot runs on an image of its own.
  const images = (await engine.listImages({ filters })).filter(({ RepoTags }) => !isSnapshotImage(RepoTags))
  await Promise.all(images.map(({ Id }) => unlessStatus(engine.getImage(Id).remove({ force: true }), 404)))
  if (options.images) await removeImages(engine)
}

/** Removes a container, running or not, with its anonymous volumes, and waits until it is gone. */
export async function removeContainer(engine: Docker, name: string): Promise<void> {
  // 409: another command removes it at this moment.
  await unlessStatus(engine.getContainer(name).remove({ force: true, v: true }), 404, 409)
  await waitFor(
    async () => ((await unlessStatus(engine.getContainer(name).inspect(), 404)) === undefined ? true : undefined),
    { deadlineMs: RELEASE_DEADLINE_MS, what: `the container ${name} to be removed` },
  )
}

/** Removes a volume and frees loop devices on its files. */
export async function removeVolume(engine: Docker, lab: LabIdentity, name: string): Promise<void> {
  const volume = engine.getVolume(name)
  if ((await unlessStatus(volume.inspect(), 404)) === undefined) return
  await freeLoops(engine, lab, name)
  await release(`the volume ${name}`, () => volume.remove())
}

/** Removes a network; throws `IN_USE` while containers are on it. */
export async function removeNetwork(engine: Docker, id: string, name: string): Promise<void> {
  const found = await unlessStatus<Docker.NetworkInspectInfo>(engine.getNetwork(id).inspect(), 404)
  const strangers = Object.values(found?.Containers ?? {}).map((container) => container.Name)
  if (strangers.length > 0) {
    throw new LabError('IN_USE', `the network ${name} is still used by ${strangers.join(', ')}`, {
      where: name,
      hint: `docker network disconnect -f ${name} ${strangers[0] ?? ''}, then run this again`,
    })
  }
  await release(`the network ${name}`, () => engine.getNetwork(id).remove())
}

/** Removes an object that the engine may hold on to for a moment after its last user is gone. */
async function release(what: string, remove: () => Promise<unknown>): Promise<void> {
  let said = ''
  await waitFor(
    async () => {
      try {
        await unlessStatus(remove(), 404)
        return true
      } catch (error) {
        if (![403, 409, 500].includes(engineStatus(error) ?? 0)) throw error
        said = engineMessage(error)
        return undefined
      }
    },
    { deadlineMs: RELEASE_DEADLINE_MS, what: `the engine to remove ${what}`, lastSeen: () => said },
  )
}
