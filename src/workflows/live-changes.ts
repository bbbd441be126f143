import type Docker from 'dockerode'
import { poolSize } from '../facts/pool-size.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { nodesWithRole, type LabSpec } from '../model/lab-spec.ts'
import type { AddressPools } from '../model/address-pools.ts'
import { furtherNetworks } from '../model/networks.ts'
import { LABELS } from '../model/names.ts'
import type { LabNetwork, Machine } from '../model/provider.ts'
import { readRoutes } from '../overlay/edge-config.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices } from '../swarm/services.ts'
import { judgeChange, type LabChange, type LiveLab, type PoolSize } from './judge-change.ts'
import { presentDisks } from './disks.ts'
import { appliedOf, readApplied } from './applied.ts'
import { findFormerManagers } from './former-managers.ts'
import { swappedHosts, type SwappedHost } from './swapped-hosts.ts'
import { limitChanges } from './limits.ts'
import type { OpenLab } from './open-lab.ts'
import { POOLS_FILE as ADDRESS_POOLS_FILE } from './site.ts'
import { openVolumes } from './volume-nodes.ts'

/** The label that the site gives to workers. */
const WORKER = 'lab.role.worker'

/** What a changed lab.yml asks of a lab that lives, as far as that could be found out. */
export interface LiveChange extends LabChange {
  /** No manager could be asked, machines are off, and lab.yml may have changed: the same again once they run. */
  readonly inTheDark: boolean
}

/** Holds lab.yml against the lab as it is. Throws a `UsageError` with every reason where something cannot be done. */
export async function liveChanges(open: OpenLab): Promise<LiveChange> {
  const [machines, namesakes, madeAs, applied] = await Promise.all([
    open.machines(),
    namesakesOf(open),
    open.provider.madeAs?.() ?? [],
    readApplied(open.state),
  ])
  const [network, engine] = await Promise.all([
    machines.length === 0 ? undefined : open.provider.network(false),
    managingEngine(open),
  ])
  // What was brought up is as it was: only what lab.yml says differently is asked for.
  const changed = applied?.asked !== appliedOf(open.spec).asked
  const [volumesOf, strays, formerManagers, crowded, pools, taken, disks, routes, swapped] = await Promise.all([
    volumesOfFormerWorkers(open, engine),
    straysOf(open, engine),
    engine === undefined ? findFormerManagers(open, applied) : [],
    crowdedNodes(open),
    changedPools(open),
    network === undefined ? [] : takenSubnets(open, network),
    presentDisks(open),
    engine !== undefined && changed ? routesOf(engine, open.signal) : [],
    swappedMembers(open, engine),
  ])
  const change = judgeChange(open.spec, {
    machines,
    swapped,
    namesakes,
    madeAs: madeAs.find(({ id }) => id !== open.lab.id),
    subnet: network?.subnet,
    further: network?.further ?? {},
    taken,
    volumesOf,
    strays,
    formerManagers,
    crowded,
    pools,
    disks,
    routes,
    ...(open.said.overridden
      ? {}
      : { provider: { said: open.said.name, has: open.spec.provider, before: applied?.provider } }),
  })
  if (change.refused.length === 0) {
    const isDue = changed || change.removed.length > 0
    return { ...change, inTheDark: engine === undefined && isDue && stoppedNodes(open.spec, machines).length > 0 }
  }
  const [first] = change.refused
  throw new UsageError(
    change.refused.map(({ message }) => message).join('; '),
    {
      where: 'lab.yml',
      hint: change.refused.length === 1 ? first?.hint : change.refused.map(({ hint }) => hint).join('; '),
    },
    'CHANGE_REFUSED',
  )
}

/** What networks that are named in lab.yml and do not exist yet must keep clear of. Seldom any, and then asked for. */
async function takenSubnets(open: OpenLab, network: LabNetwork): Promise<NonNullable<LiveLab['taken']>> {
  const named = furtherNetworks(open.spec).filter(({ name, subnet }) => subnet !== 'auto' && !network.further?.[name])
  if (named.length === 0) return []
  const [host, text] = await Promise.all([network.hostSubnets(), open.state.read(ADDRESS_POOLS_FILE)])
  const { overlayPool, bridgePool }: Partial<AddressPools> =
    text === undefined ? {} : (JSON.parse(text) as AddressPools)
  return [
    { subnet: network.subnet, of: "the lab's own network" },
    ...[overlayPool, bridgePool].flatMap((subnet) =>
      subnet === undefined ? [] : [{ subnet, of: 'networks inside the nodes' }],
    ),
    ...host.map((subnet) => ({ subnet, of: 'a network of this host' })),
  ]
}

/** Ids of labs that were made from this directory under other names, and are there. */
export async function namesakesOf(open: OpenLab): Promise<readonly string[]> {
  const labs = (await open.provider.labs?.()) ?? []
  return labs.filter(({ id, directory }) => directory === open.lab.directory && id !== open.lab.id).map(({ id }) => id)
}

/** The engine of one of lab.yml's managers; undefined where none of them runs, or none is a manager. */
async function managingEngine(open: OpenLab): Promise<Docker | undefined> {
  const machines = (await open.machines()).filter(isRunning)
  const runs = nodesWithRole(open.spec, 'manager').some(({ name }) => machines.some((machine) => machine.name === name))
  if (!runs) return undefined
  try {
    return (await open.manager()).engine
  } catch (error) {
    if (error instanceof LabError && error.code === 'NO_MANAGER') return undefined
    throw error
  }
}

/** Nodes of lab.yml whose machines are off. */
export function stoppedNodes(spec: LabSpec, machines: readonly Machine[]): readonly string[] {
  return machines
    .filter(({ name, state }) => state === 'stopped' && spec.nodes.some((node) => node.name === name))
    .map(({ name }) => name)
}

function isRunning({ state, paused }: Machine): boolean {
  return state === 'running' && paused !== true
}

/** Volumes of nodes that the swarm knows as workers and lab.yml no longer does. Seldom any, and then asked for. */
async function volumesOfFormerWorkers(
  open: OpenLab,
  engine: Docker | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (engine === undefined) return new Map()
  const workers = new Set(nodesWithRole(open.spec, 'worker').map(({ name }) => name))
  const former = (await listNodes(engine, open.signal)).filter(
    ({ name, labels }) => WORKER in labels && !workers.has(name) && open.spec.nodes.some((node) => node.name === name),
  )
  if (former.length === 0) return new Map()
  const records = (await openVolumes(open).records.list()).map(({ record }) => record)
  return new Map(
    former.map(({ name }) => [name, records.filter(({ owner }) => owner === name).map((record) => record.name)]),
  )
}

/** Hosts that lab.yml exchanges, of nodes that are in the swarm: one that was taken out of it may have another host. */
async function swappedMembers(open: OpenLab, engine: Docker | undefined): Promise<readonly SwappedHost[]> {
  const swapped = await swappedHosts(open)
  if (swapped.length === 0 || engine === undefined) return swapped
  const members = await listNodes(engine, open.signal)
  return swapped.filter(({ name }) => members.some((member) => member.name === name))
}

/** Members of the swarm that run and that lab.yml does not have, where the provider would not list them. */
async function straysOf(open: OpenLab, engine: Docker | undefined): Promise<readonly string[]> {
  if (open.provider.listsSpecOnly !== true || engine === undefined) return []
  const listed = new Set(open.spec.nodes.map(({ name }) => name))
  const members = await listNodes(engine, open.signal)
  return members.filter(({ name, state }) => state === 'ready' && !listed.has(name)).map(({ name }) => name)
}

/** Ports of the edge that deployed services answer on. */
async function routesOf(engine: Docker, signal: AbortSignal): Promise<NonNullable<LiveLab['routes']>> {
  const services = await listServices(engine, signal)
  return services.flatMap(({ app, name, labels }) =>
    readRoutes(labels[LABELS.routes]).map(({ port }) => ({ app, service: name, port })),
  )
}

/** Nodes that lab.yml gives less memory than before, and less than they use. */
async function crowdedNodes(open: OpenLab): Promise<LiveLab['crowded']> {
  const { limits } = open.provider
  if (limits === undefined) return []
  const found = await Promise.all(
    (await limitChanges(open)).map(async ({ node, from, to }) => {
      const wantedBytes = to.memoryBytes
      if (wantedBytes === undefined || wantedBytes >= (from.memoryBytes ?? Infinity)) return []
      const usedBytes = await limits.used(node.name)
      return usedBytes < wantedBytes ? [] : [{ name: node.name, usedBytes, wantedBytes }]
    }),
  )
  return found.flat()
}

/** What the last `up` had pools made like or changed to. Lost, all are looked at. */
const POOLS_FILE = 'pools-as-asked'

/** Notes what all pools are like now, so that they are looked at only when lab.yml says something else. */
export async function notePools({ state, spec }: OpenLab): Promise<void> {
  if ((await state.read(POOLS_FILE)) !== poolsAsked(spec)) await state.write(POOLS_FILE, poolsAsked(spec))
}

function poolsAsked({ volumes }: LabSpec): string {
  return `${volumes.driver} ${String(volumes.poolSizeBytes)}`
}

/** Pools of nodes that answer, where lab.yml may have changed what they are to be like. */
async function changedPools(open: OpenLab): Promise<readonly PoolSize[]> {
  if ((await open.state.read(POOLS_FILE)) === poolsAsked(open.spec)) return []
  const machines = await open.machines()
  const running = nodesWithRole(open.spec, 'worker').filter(({ name }) =>
    machines.some((machine) => machine.name === name && isRunning(machine)),
  )
  const found = await Promise.all(
    running.map(async ({ name }): Promise<readonly PoolSize[]> => {
      try {
        const connection = await open.connect(name)
        const pool = poolSize.parse(await connection.script(poolSize.script))
        return pool === undefined ? [] : [{ node: name, ...pool }]
      } catch (error) {
        // One that does not answer, or has not been set up: its pool is judged by its own script.
        if (error instanceof LabError) return []
        throw error
      }
    }),
  )
  return found.flat()
}
