import type Docker from 'dockerode'
import pLimit from 'p-limit'
import { overlaps } from '../../../model/addresses.ts'
import { LabError } from '../../../model/errors.ts'
import type { LabIdentity, LabSpec, NodeSpec } from '../../../model/lab-spec.ts'
import { LABELS } from '../../../model/names.ts'
import type { Progress } from '../../../model/provider.ts'
import type { LabSnapshot, MachineKeys, SavedMachine } from '../../../model/snapshot.ts'
import { unlessStatus } from '../engine.ts'
import { checkEngine, raiseLimits } from '../host-limits.ts'
import { freeLoops } from '../loop-devices.ts'
import { nodeLabels } from '../machine.ts'
import { furtherName } from '../further-networks.ts'
import { createNetworks, findNetwork, foreignSubnets } from '../network.ts'
import { removeContainer, removeNetwork, removeVolume } from '../removal.ts'
import { createNode } from '../start.ts'
import { copyVolumes, swapVolumes } from './copy.ts'
import {
  makeVolume,
  NODE_VOLUMES,
  nodeVolume,
  restoringVolume,
  savedVolume,
  snapshotImage,
  stagedVolume,
  volumesWith,
} from './names.ts'
import { COPIES_AT_ONCE } from './save.ts'

/** Machines started at once. */
const STARTS_AT_ONCE = 8

/** Copies a snapshot's volumes to where they can take the place of those there are. */
export async function stageMachines(
  engine: Docker,
  lab: LabIdentity,
  snapshot: LabSnapshot,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await checkEngine(engine)
  await checkSubnet(engine, lab, snapshot)
  await raiseLimits(engine, lab, snapshot.machines.length, progress)
  const limit = pLimit(COPIES_AT_ONCE)
  await Promise.all(
    snapshot.machines.map(({ name }) =>
      limit(async () => {
        signal.throwIfAborted()
        const copies = NODE_VOLUMES.map((volume) => ({
          from: savedVolume(lab, snapshot.name, name, volume),
          to: stagedVolume(lab, snapshot.name, name, volume),
        }))
        for (const { to } of copies) await makeVolume(engine, lab, to, { [LABELS.staged]: snapshot.name })
        await copyVolumes(engine, lab, snapshotImage(lab, snapshot.name, name), copies, signal)
        progress(name)
      }),
    ),
  )
}

/** Removes what was staged and is not put in place. */
export async function unstage(engine: Docker, lab: LabIdentity): Promise<void> {
  const staged = await volumesWith(engine, lab, LABELS.staged)
  await Promise.all(staged.map(({ Name }) => removeVolume(engine, lab, Name)))
}

/** Puts the machines of a staged snapshot in place of all there are, and starts them. */
export async function restoreMachines(
  engine: Docker,
  { lab, spec }: { readonly lab: LabIdentity; readonly spec: LabSpec },
  snapshot: LabSnapshot,
  keysOf: (machine: string) => Promise<MachineKeys>,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await makeVolume(engine, lab, restoringVolume(lab, snapshot.name), { [LABELS.restoring]: snapshot.name })
  progress('removing the nodes there are')
  const filters = { label: [`${LABELS.lab}=${lab.id}`, LABELS.node] }
  const containers = await engine.listContainers({ all: true, filters })
  await Promise.all(containers.map(({ Id }) => removeContainer(engine, Id)))
  await provideNetworks(engine, lab, spec, snapshot)
  progress('putting their volumes in place')
  await swapIn(engine, lab, snapshot)
  const limit = pLimit(STARTS_AT_ONCE)
  await Promise.all(
    snapshot.machines.map((machine) =>
      limit(async () => {
        const image = snapshotImage(lab, snapshot.name, machine.name)
        await createNode(engine, lab, { ...request(machine), ...(await keysOf(machine.name)) }, image, signal)
        progress(`started ${machine.name}`)
      }),
    ),
  )
  await Promise.all([unstage(engine, lab), removeUnusedImages(engine, lab)])
  for (const { Name } of await volumesWith(engine, lab, LABELS.restoring)) await removeVolume(engine, lab, Name)
}

/** Throws `RESTORE_CUT_OFF` while a snapshot is half put back: a node made anew would be none of it. */
export async function refuseWhileRestoring(engine: Docker, lab: LabIdentity): Promise<void> {
  const [marker] = await volumesWith(engine, lab, LABELS.restoring)
  const snapshot = marker?.Labels[LABELS.restoring]
  if (snapshot === undefined) return
  throw new LabError('RESTORE_CUT_OFF', `the snapshot ${snapshot} was being put back when that was cut off`, {
    where: lab.id,
    hint: `lab snapshot restore ${snapshot}`,
  })
}

/** Volumes of nodes that the snapshot has not go; a rename puts each other one where it was. */
async function swapIn(engine: Docker, lab: LabIdentity, snapshot: LabSnapshot): Promise<void> {
  const wanted = snapshot.machines.flatMap(({ name: node }) =>
    NODE_VOLUMES.map((volume) => ({
      from: stagedVolume(lab, snapshot.name, node, volume),
      to: nodeVolume(lab, node, volume),
      node,
    })),
  )
  const names = new Set(wanted.map(({ to }) => to))
  for (const { Name, Labels } of await volumesWith(engine, lab, LABELS.node)) {
    if (Labels[LABELS.snapshot] !== undefined) continue
    if (names.has(Name)) await freeLoops(engine, lab, Name)
    else await removeVolume(engine, lab, Name)
  }
  for (const { to, node } of wanted) await engine.createVolume({ Name: to, Labels: nodeLabels(lab, node) })
  const [first] = snapshot.machines
  if (first !== undefined) await swapVolumes(engine, lab, snapshotImage(lab, snapshot.name, first.name), wanted)
}

/** Addresses are part of what was saved: the networks must be those there were. */
async function provideNetworks(engine: Docker, lab: LabIdentity, spec: LabSpec, snapshot: LabSnapshot): Promise<void> {
  const { subnet, networks = {}, machines } = snapshot
  const present = await findNetwork(engine, lab)
  if (present !== undefined && present.subnet !== subnet) await removeNetwork(engine, lab.id, lab.id)
  for (const [name, now] of Object.entries(present?.further ?? {})) {
    if (networks[name] === now) continue
    await removeNetwork(engine, furtherName(lab, name), furtherName(lab, name))
  }
  await createNetworks(engine, lab, {
    ...spec,
    subnet,
    networks: Object.fromEntries(Object.entries(networks).map(([name, saved]) => [name, { subnet: saved }])),
    nodes: machines.map((machine) => request(machine).node),
  })
}

async function checkSubnet(engine: Docker, lab: LabIdentity, snapshot: LabSnapshot): Promise<void> {
  const { name, subnet, networks = {} } = snapshot
  const wanted = [subnet, ...Object.values(networks)]
  // The lab's own ones are kept, or make room.
  const others = await foreignSubnets(engine, lab)
  const inTheWay = others.filter((other) => wanted.some((each) => overlaps(other, each)))
  if (inTheWay.length === 0) return
  throw new LabError(
    'SUBNET_IN_USE',
    `the nodes of ${name} have addresses of ${wanted.join(', ')}, and this host uses ${inTheWay.join(', ')} for something else`,
    { where: lab.id, hint: 'docker network ls shows which network it is; without it, run this again' },
  )
}

function request(machine: SavedMachine) {
  const { name, address, networks, specDigest, memoryBytes, cpus } = machine
  const node: NodeSpec = {
    name,
    roles: [],
    memoryBytes,
    cpus,
    vars: {},
    ...(networks && { networks: Object.keys(networks) }),
  }
  return { node, address, ...(networks && { networks }), hostname: name, specDigest }
}

/** Images of nodes that were put back before and are no more. Those in use answer 409. */
async function removeUnusedImages(engine: Docker, lab: LabIdentity): Promise<void> {
  const images = await engine.listImages({ filters: { label: [`${LABELS.lab}=${lab.id}`], dangling: ['true'] } })
  await Promise.all(images.map(({ Id }) => unlessStatus(engine.getImage(Id).remove(), 404, 409)))
}
