import { posix } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import pLimit from 'p-limit'
import { extract, pack } from 'tar-stream'
import { LabError } from '../../../model/errors.ts'
import type { LabIdentity } from '../../../model/lab-spec.ts'
import { LABELS } from '../../../model/names.ts'
import type { Progress } from '../../../model/provider.ts'
import type { LabSnapshot, SavedMachine, SnapshotFiles } from '../../../model/snapshot.ts'
import { containerName } from '../machine.ts'
import { networksIn } from '../further-networks.ts'
import { findNetwork } from '../network.ts'
import { helperLabels } from '../volume-shell.ts'
import { copyVolumes, type CopySize } from './copy.ts'
import {
  filesVolume,
  makeVolume,
  manifestVolume,
  NODE_VOLUMES,
  nodeVolume,
  savedVolume,
  snapshotRepository,
} from './names.ts'

/** Machines copied at once: more only wait for the same disk. */
export const COPIES_AT_ONCE = 2
/** Where the volume of files is in a container that is never started. */
const FILES = '/files'

/** Copies every machine of the lab; the manifest comes last. What a run that fails leaves is for its caller to remove. */
export async function saveMachines(
  engine: Docker,
  lab: LabIdentity,
  snapshot: string,
  files: SnapshotFiles,
  progress: Progress,
  signal: AbortSignal,
): Promise<LabSnapshot> {
  const network = await findNetwork(engine, lab)
  const containers = await nodeContainers(engine, lab)
  const first = containers[0]
  if (network === undefined || first === undefined) {
    throw new LabError('NOT_UP', `the lab "${lab.name}" has no nodes to save`, { hint: 'lab up' })
  }
  await saveFiles(engine, lab, snapshot, first.Image, files)
  const limit = pLimit(COPIES_AT_ONCE)
  const sizes = await Promise.all(
    containers.map((container) =>
      limit(async () => {
        const size = await saveMachine(engine, lab, snapshot, container, signal)
        progress(nodeOf(container))
        return size
      }),
    ),
  )
  const sum = (part: (size: CopySize) => number) => sizes.reduce((total, size) => total + part(size), 0)
  const saved: LabSnapshot = {
    name: snapshot,
    createdAt: new Date().toISOString(),
    subnet: network.subnet,
    ...(network.further && { networks: network.further }),
    machines: containers.map((container) => savedMachine(lab, container)),
    sizeBytes: sum(({ sizeBytes }) => sizeBytes),
    sharedBytes: sum(({ sharedBytes }) => sharedBytes),
  }
  signal.throwIfAborted()
  await makeVolume(engine, lab, manifestVolume(lab, snapshot), {
    [LABELS.snapshot]: snapshot,
    [LABELS.manifest]: JSON.stringify(saved),
  })
  return saved
}

/** The files kept with a snapshot. */
export async function readFiles(
  engine: Docker,
  lab: LabIdentity,
  snapshot: string,
  image: string,
): Promise<SnapshotFiles> {
  const container = await filesContainer(engine, lab, snapshot, image)
  const files: Record<string, string> = {}
  try {
    const entries = extract()
    const read = async () => {
      for await (const entry of entries) {
        const { name, type } = entry.header
        const content = await buffer(Readable.from(entry))
        if (type === 'file') files[posix.relative('files', name)] = content.toString('utf8')
      }
    }
    await Promise.all([pipeline(await container.getArchive({ path: FILES }), entries), read()])
  } finally {
    await container.remove({ force: true })
  }
  return files
}

async function saveFiles(
  engine: Docker,
  lab: LabIdentity,
  snapshot: string,
  image: string,
  files: SnapshotFiles,
): Promise<void> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) {
    archive.entry({ name, mode: 0o600, uid: 0, gid: 0 }, content)
  }
  archive.finalize()
  await makeVolume(engine, lab, filesVolume(lab, snapshot), { [LABELS.snapshot]: snapshot })
  const container = await filesContainer(engine, lab, snapshot, image)
  try {
    await container.putArchive(await buffer(archive), { path: FILES })
  } finally {
    await container.remove({ force: true })
  }
}

/** A container that is only there to reach the files through: it is never started. */
async function filesContainer(
  engine: Docker,
  lab: LabIdentity,
  snapshot: string,
  image: string,
): Promise<Docker.Container> {
  const mount = { Type: 'volume' as const, Source: filesVolume(lab, snapshot), Target: FILES }
  return engine.createContainer({
    Image: image,
    Labels: helperLabels(lab),
    NetworkDisabled: true,
    HostConfig: { Mounts: [mount] },
  })
}

async function saveMachine(
  engine: Docker,
  lab: LabIdentity,
  snapshot: string,
  container: Docker.ContainerInspectInfo,
  signal: AbortSignal,
): Promise<CopySize> {
  const node = nodeOf(container)
  signal.throwIfAborted()
  await engine
    .getContainer(container.Id)
    .commit({ repo: snapshotRepository(lab, snapshot), tag: node, pause: false, abortSignal: signal })
  const [layer] = (await engine.getImage(`${snapshotRepository(lab, snapshot)}:${node}`).history()) as readonly {
    readonly Size: number
  }[]
  const copies = NODE_VOLUMES.map((volume) => ({
    from: nodeVolume(lab, node, volume),
    to: savedVolume(lab, snapshot, node, volume),
  }))
  for (const { to } of copies) await makeVolume(engine, lab, to, { [LABELS.snapshot]: snapshot, [LABELS.node]: node })
  const { sizeBytes, sharedBytes } = await copyVolumes(engine, lab, container.Image, copies, signal)
  return { sizeBytes: sizeBytes + (layer?.Size ?? 0), sharedBytes }
}

async function nodeContainers(engine: Docker, lab: LabIdentity): Promise<readonly Docker.ContainerInspectInfo[]> {
  const filters = { label: [`${LABELS.lab}=${lab.id}`, LABELS.node] }
  const listed = await engine.listContainers({ all: true, filters })
  const found = await Promise.all(listed.map(({ Id }) => engine.getContainer(Id).inspect()))
  const nodes = found.filter(
    (container) =>
      container.Name === `/${containerName(lab, nodeOf(container))}` && container.State.Status !== 'created',
  )
  const running = nodes.filter(({ State }) => State.Running).map(nodeOf)
  if (running.length > 0) {
    throw new LabError('RUNNING', `${running.join(', ')} must be stopped while it is copied`, { hint: 'lab halt' })
  }
  return nodes.sort((a, b) => (a.Name < b.Name ? -1 : 1))
}

function nodeOf({ Config }: Docker.ContainerInspectInfo): string {
  return Config.Labels[LABELS.node] ?? ''
}

/** Pure: what a machine was created with, read back from its container. */
export function savedMachine(lab: LabIdentity, container: Docker.ContainerInspectInfo): SavedMachine {
  const { Config, HostConfig, NetworkSettings } = container
  return {
    name: nodeOf(container),
    address: Config.Labels[LABELS.address] ?? '',
    ...networksIn(lab, NetworkSettings.Networks),
    specDigest: Config.Labels[LABELS.specDigest] ?? '',
    memoryBytes: (HostConfig.Memory ?? 0) > 0 ? HostConfig.Memory : undefined,
    cpus: (HostConfig.NanoCpus ?? 0) > 0 ? (HostConfig.NanoCpus ?? 0) / 1e9 : undefined,
  }
}
