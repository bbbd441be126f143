import type { Check } from '../model/check.ts'
import type { DnsName } from '../model/documents.ts'
import { ZONE } from '../model/names.ts'
import { dnsDocument, dnsMs, expectedNames } from './dns.ts'
import { within } from './glance.ts'
import type { OpenLab } from './open-lab.ts'
import { unasked } from './unasked.ts'

/** Longest a manager may take to say which names there are. */
const EXPECTED_MS = 5000

/** What containers on each node are told of services, as one check; also where that could not be found out. */
export async function askedNames(open: OpenLab): Promise<Check> {
  try {
    const expected = await within(EXPECTED_MS, open.signal, (signal) => expectedNames({ ...open, signal }))
    // Name servers that do not answer take longest, for each name.
    const told = within(dnsMs(expected.size), open.signal, (signal) => dnsDocument({ ...open, signal }))
    return namesCheck((await told).names)
  } catch (error) {
    open.signal.throwIfAborted()
    return unasked('names', 'lab dns', error)
  }
}

/** Pure: whether containers on each node that answers are told where tasks are: an edge that is not serves nobody. */
export function namesCheck(names: readonly DnsName[]): Check {
  // Those of machines, and second names of services, are another server's matter, or say nothing new.
  const services = names.filter(({ name }) => !name.endsWith(`.${ZONE}`))
  const nodes = [...new Set(services.flatMap(({ seen }) => Object.keys(seen)))]
  const wrong = nodes.flatMap((node) => {
    const told = services.map(({ name, expected, seen }) => ({ name, expected, seen: seen[node] ?? expected }))
    const lacks = told.filter(({ expected, seen }) => expected.some((address) => !seen.includes(address)))
    const late = told.filter(({ expected, seen }) => seen.some((address) => !expected.includes(address)))
    const said = [
      ...(lacks.length === 0 ? [] : [`does not know all tasks of ${namesOf(lacks)}`]),
      ...(late.length === 0 ? [] : [`still names tasks of ${namesOf(late)} that are gone`]),
    ]
    return said.length === 0 ? [] : [{ node, said: `${node} ${said.join(' and ')}` }]
  })
  if (wrong.length === 0) return { name: 'names', ok: true, detail: 'every node knows the tasks that run' }
  const hint = `lab dns (shows what each node says); where it stays so for a minute: ${restart(wrong.map(({ node }) => node))}`
  return { name: 'names', ok: false, detail: wrong.map(({ said }) => said).join('; '), hint }
}

function namesOf(services: readonly { readonly name: string }[]): string {
  return services.map(({ name }) => name).join(', ')
}

/** One after the other: what runs on one may run on the others meanwhile. */
function restart(nodes: readonly string[]): string {
  const [first = '', ...others] = nodes
  if (others.length === 0) return `lab ssh ${first} -- systemctl restart docker`
  return `for node in ${nodes.join(' ')}; do lab ssh $node -- systemctl restart docker; done`
}
