import type Docker from 'dockerode'
import { choosePools, type AddressPools } from '../model/address-pools.ts'
import { nthAddress } from '../model/addresses.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole, type LabIdentity, type LabSpec } from '../model/lab-spec.ts'
import type { LabNetwork, Machine, Provider } from '../model/provider.ts'
import type { Site, SiteNode } from '../model/site.ts'
import { readHostEnvironment } from '../secrets/host-environment.ts'
import { hostKey, siteSecrets } from '../secrets/lab-secrets.ts'
import type { StateDirectory } from '../secrets/state-directory.ts'
import { drainedNodes, listNodes } from '../swarm/nodes.ts'
import { environmentForNodes } from './host-proxy.ts'

/** VXLAN port of the lab's overlays; 4789 may be taken by the host's own engine. */
const DATA_PATH_PORT = 7789
/** What was chosen for networks inside the nodes. */
export const POOLS_FILE = 'address-pools.json'

/** The parts of an opened lab that its site is made of. */
export interface SiteSources {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  readonly provider: Provider
  readonly state: StateDirectory
  machines(): Promise<readonly Machine[]>
  manager(): Promise<{ readonly engine: Docker }>
}

/** Gathers everything the playbooks are a function of. Throws `NOT_UP` when the lab's machines do not exist. */
export async function buildSite(open: SiteSources): Promise<Site> {
  const { lab, spec, state } = open
  const [machines, network, secrets] = await Promise.all([
    open.machines(),
    open.provider.network(false),
    siteSecrets(state, lab.id),
  ])
  if (network === undefined) throw notUp(lab.name)
  const nodes = await siteNodes(open)
  const keys = await Promise.all(
    nodes.map(async ({ name }) => {
      const own = machines.find((machine) => machine.name === name)?.hostKey
      return [name, own ?? (await hostKey(state, name)).publicKey] as const
    }),
  )
  const [pools, drained] = await Promise.all([addressPools(open, network), drainedByHand(open)])
  return {
    lab,
    spec,
    nodes,
    network: {
      subnet: network.subnet,
      mtu: network.mtu,
      ...(network.further === undefined ? {} : { further: network.further }),
      ...pools,
    },
    dataPathPort: DATA_PATH_PORT,
    ...secrets,
    hostKeys: Object.fromEntries(keys),
    host: await environmentForNodes(
      readHostEnvironment(process.env),
      open.provider.name === 'docker' ? nthAddress(network.subnet, 1) : undefined,
    ),
    drained,
  }
}

/** The nodes of lab.yml that have a machine, as playbooks see them. Throws `NOT_UP` when none has. */
export async function siteNodes({
  lab,
  spec,
  machines,
}: Pick<SiteSources, 'lab' | 'spec' | 'machines'>): Promise<readonly SiteNode[]> {
  const listed = await machines()
  const nodes = spec.nodes.flatMap((node): SiteNode[] => {
    const machine = listed.find((candidate) => candidate.name === node.name)
    if (machine === undefined) return []
    const { address, networks, sshPort, system } = machine
    return [
      {
        ...node,
        address,
        ...(networks === undefined ? {} : { addresses: networks }),
        ...(sshPort === undefined ? {} : { port: sshPort }),
        ...(system === undefined ? {} : { system }),
      },
    ]
  })
  if (nodes.length === 0) throw notUp(lab.name)
  return nodes
}

/** No machines yet, or none any more: nothing is broken. */
export function notUp(name: string): LabError {
  return new LabError('NOT_UP', `the lab "${name}" is not up`, { hint: 'lab up' })
}

/** The pools as chosen at creation: from the state directory, else from the swarm, else chosen now. */
async function addressPools(open: SiteSources, network: LabNetwork): Promise<AddressPools> {
  const text = await open.state.readOrCreate(POOLS_FILE, async () => {
    const overlayPool = await swarmPool(open)
    return JSON.stringify(choosePools([network.subnet, ...(await network.hostSubnets())], overlayPool))
  })
  return JSON.parse(text) as AddressPools
}

/** The pool an existing swarm was founded with, which can never change; undefined where there is no swarm. */
async function swarmPool(open: SiteSources): Promise<string | undefined> {
  return askSwarm(open, async (engine) => {
    const swarm = (await engine.swarmInspect()) as { readonly DefaultAddrPool?: readonly string[] }
    return swarm.DefaultAddrPool?.[0]
  })
}

/** Names of nodes that `lab node drain` drained; none where there is no swarm. */
async function drainedByHand(open: SiteSources): Promise<readonly string[]> {
  return (await askSwarm(open, async (engine) => drainedNodes(await listNodes(engine)))) ?? []
}

/** What a manager answers; undefined where none runs, or none is in a swarm yet. */
async function askSwarm<T>(open: SiteSources, ask: (engine: Docker) => Promise<T>): Promise<T | undefined> {
  const machines = await open.machines()
  const running = nodesWithRole(open.spec, 'manager').some((node) =>
    machines.some((machine) => machine.name === node.name && machine.state === 'running' && machine.paused !== true),
  )
  if (!running) return undefined
  try {
    return await ask((await open.manager()).engine)
  } catch (error) {
    if (error instanceof LabError && error.code === 'NO_MANAGER') return undefined
    throw error
  }
}
