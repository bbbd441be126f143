import { setTimeout as delay } from 'node:timers/promises'
import { stretched } from '../connections/patience.ts'
import type { DnsDocument, DnsName } from '../model/documents.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { LOGS_HOST, REGISTRY_HOST, ZONE } from '../model/names.ts'
import { askMs, askNames, sameAddresses, sortAddresses, type Answers } from '../overlay/ask-names.ts'
import type { Probe } from '../overlay/probe.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { isServing, listTasks, type TaskView } from '../swarm/tasks.ts'
import type { OpenLab } from './open-lab.ts'
import { openProbes, PROBE_MS } from './probes.ts'

/** A difference that lasts less than this is a change on its way, not a fault. */
const SETTLE_MS = 2500
const LOOK_MS = 250
/** Longest that a manager may take for all its lists. */
const LISTS_MS = 3000

/**
 * What containers on each node are told for every name of the lab, against what runs. Nodes that do not answer are left
 * out, with a notice, and do not count as a difference.
 */
export async function dnsDocument(lab: OpenLab): Promise<DnsDocument> {
  // Without one there is nothing to compare with, which comes before who else is not there.
  await lab.manager()
  const { probes, absent } = await openProbes(lab)
  for (const { node, reason } of absent) {
    lab.emit({ type: 'notice', level: 'warning', message: `${node} is not asked for names: ${reason}` })
  }
  const end = performance.now() + SETTLE_MS
  for (;;) {
    const { names, failures } = await compare(probes, await expectedNames(lab), lab.signal)
    const consistent = names.every(isConsistent)
    if (consistent || performance.now() > end) {
      for (const message of failures) lab.emit({ type: 'notice', level: 'warning', message })
      return { consistent, names }
    }
    await delay(LOOK_MS, undefined, { signal: lab.signal })
  }
}

/** Every name of the lab with the addresses that it stands for now. */
export async function expectedNames(lab: OpenLab): Promise<ReadonlyMap<string, readonly string[]>> {
  return new Map([...(await namesOfServices(lab)), ...(await namesOfMachines(lab))])
}

/** Longest that {@link dnsDocument} takes for so many names, in milliseconds, whoever does not answer. */
export function dnsMs(names: number): number {
  return stretched(PROBE_MS) + LISTS_MS + SETTLE_MS + askMs(names)
}

/** Pure: whether every node that was asked knows exactly the right addresses. */
export function isConsistent(name: DnsName): boolean {
  return Object.values(name.seen).every(
    (addresses) => addresses === undefined || sameAddresses(addresses, name.expected),
  )
}

/** Pure: the names of services on the lab's overlay with the addresses of their tasks that run and are healthy. */
export function serviceNames(
  services: readonly ServiceView[],
  tasks: readonly TaskView[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    services.flatMap((service) => {
      const serving = tasks.filter((task) => task.serviceId === service.id && isServing(task))
      const addresses = sortAddresses(serving.flatMap(({ address }) => address ?? []))
      const aliases = (service.template.Networks ?? []).flatMap((network) => network.Aliases ?? [])
      return [service.name, `${service.name}.${ZONE}`]
        .filter((name) => aliases.includes(name))
        .map((name): [string, readonly string[]] => [name, addresses])
    }),
  )
}

async function namesOfServices(lab: OpenLab): Promise<ReadonlyMap<string, readonly string[]>> {
  const { engine } = await lab.manager()
  const [services, nodes] = await Promise.all([listServices(engine, lab.signal), listNodes(engine, lab.signal)])
  return serviceNames(services, await listTasks(engine, [], nodes, lab.signal))
}

/** Names that stand for machines (containers are only ever told names with a dot of these): every node's own, and those of the registry and the log server. */
async function namesOfMachines(lab: OpenLab): Promise<ReadonlyMap<string, readonly string[]>> {
  const addresses = new Map((await lab.machines()).map(({ name, address }) => [name, address]))
  const named: (readonly [string, string | undefined])[] = [
    ...lab.spec.nodes.map(({ name }) => [`${name}.${ZONE}`, name] as const),
    [REGISTRY_HOST, nodesWithRole(lab.spec, 'registry')[0]?.name],
    [LOGS_HOST, nodesWithRole(lab.spec, 'logs')[0]?.name],
  ]
  return new Map(
    named.flatMap(([name, node]) => {
      const address = node === undefined ? undefined : addresses.get(node)
      return address === undefined ? [] : [[name, [address]] as const]
    }),
  )
}

/** Asks every node for every name. A node whose name server fails knows none of them. */
async function compare(
  probes: readonly Probe[],
  wanted: ReadonlyMap<string, readonly string[]>,
  signal: AbortSignal,
): Promise<{ readonly names: readonly DnsName[]; readonly failures: readonly string[] }> {
  const names = [...wanted.keys()]
  const failures: string[] = []
  const answers = await Promise.all(
    probes.map(async (probe): Promise<readonly [string, Answers]> => {
      const { node } = probe.connection
      try {
        return [node, await askNames(probe, names, signal)]
      } catch (error) {
        if (!(error instanceof LabError)) throw error
        failures.push(`${node}: ${error.message}`)
        return [node, new Map()]
      }
    }),
  )
  return {
    names: names.map((name) => ({
      name,
      expected: wanted.get(name) ?? [],
      seen: Object.fromEntries(answers.map(([node, answer]) => [node, answer.get(name) ?? []])),
    })),
    failures,
  }
}
