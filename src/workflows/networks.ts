import { LabError } from '../model/errors.ts'
import { furtherNetworks, networkChanges, type NetworkChange } from '../model/networks.ts'
import type { LabNetwork, Machine } from '../model/provider.ts'
import { nodeAddresses } from './machine-request.ts'
import { machineStep } from './machine-step.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** What is to be done about networks besides the lab's own, where that can be done to machines that exist. */
function pendingNetworks(
  { provider, spec }: Pick<OpenLab, 'provider' | 'spec'>,
  machines: readonly Machine[],
  network: LabNetwork,
): readonly NetworkChange[] {
  return provider.networks === undefined ? [] : networkChanges(spec, machines, network.further ?? {})
}

/**
 * Puts machines that exist on the networks of lab.yml, takes them off others, and removes those that nobody is on. Networks
 * that are needed exist already.
 */
export async function adjustNetworks(
  open: OpenLab,
  machines: readonly Machine[],
  network: LabNetwork,
): Promise<readonly string[]> {
  const live = open.provider.networks
  const changes = pendingNetworks(open, machines, network)
  if (live === undefined || changes.length === 0) return []
  for (const change of changes) {
    open.signal.throwIfAborted()
    await runTask(
      open.emit,
      changeText(change),
      async (task) => {
        if (change.type === 'remove') await live.remove(change.network)
        else if (change.type === 'leave') await live.leave(change.network, change.node)
        else {
          const address = nodeAddresses(network, open.spec, machines).get(change.node)?.further[change.network]
          if (address === undefined) throw missing(change.network)
          await live.join(change.network, change.node, address)
          task.detail(address)
        }
      },
      change.type === 'remove' ? {} : { node: change.node },
    )
  }
  open.refresh()
  return changes.flatMap((change) => (change.type === 'remove' ? [] : [change.node]))
}

/** Says, as a plan does, what is to be done about networks. */
export async function planNetworks(open: OpenLab): Promise<readonly NetworkChange[]> {
  const machines = await open.machines()
  if (!concernsNetworks(open, machines)) return []
  const network = machines.length === 0 ? undefined : await open.provider.network(false)
  if (network === undefined) return []
  warnOfNetworks(open, machines)
  const changes = pendingNetworks(open, machines, network)
  const missingOnes = furtherNetworks(open.spec).filter(({ name }) => network.further?.[name] === undefined)
  for (const change of changes) {
    const isNew = missingOnes.some(({ name }) => name === change.network)
    const subnet = network.further?.[change.network] ?? 'an address of it'
    const states =
      change.type === 'join' ? { to: isNew ? 'on it, once it is made' : `on it, in ${subnet}` } : { from: subnet }
    const node = change.type === 'remove' ? (open.spec.nodes[0]?.name ?? open.lab.name) : change.node
    machineStep(open, node, changeText(change), { path: `network ${change.network}`, ...states })
  }
  return changes
}

/** Says where machines are on other networks than lab.yml wants, which only new machines can mend. */
export function warnOfNetworks(open: OpenLab, machines: readonly Machine[]): void {
  if (open.provider.networks !== undefined) return
  for (const change of networkChanges(open.spec, machines, {})) {
    if (change.type === 'remove') continue
    const { node, network, type } = change
    const said =
      type === 'join' ? `has ${node} on the network ${network}` : `no longer has ${node} on the network ${network}`
    open.emit({
      type: 'notice',
      level: 'warning',
      message: `lab.yml ${said}; machines of ${open.provider.name} get their networks when they are made: it applies after "lab node replace ${node}"`,
    })
  }
}

/** Whether there is, or shall be, any network besides the lab's own. */
function concernsNetworks({ spec }: OpenLab, machines: readonly Machine[]): boolean {
  return spec.networks !== undefined || machines.some(({ networks }) => networks !== undefined)
}

function changeText(change: NetworkChange): string {
  if (change.type === 'remove') return `remove the network ${change.network}`
  return change.type === 'join'
    ? `put ${change.node} on the network ${change.network}`
    : `take ${change.node} off the network ${change.network}`
}

function missing(network: string): LabError {
  return new LabError('NO_NETWORK', `the network ${network} could not be created`, { hint: 'lab doctor' })
}
