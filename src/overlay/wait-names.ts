import { setTimeout as delay } from 'node:timers/promises'
import { LabError } from '../model/errors.ts'
import { askNames, sameAddresses } from './ask-names.ts'
import type { Probe } from './probe.ts'

/** What a node's containers were told for a name. */
export interface NodeAnswer {
  readonly node: string
  readonly name: string
  readonly addresses: readonly string[]
}

/** Between two looks at one node: an answer spreads in about 200 ms. */
const LOOK_MS = 50

/**
 * Waits until containers on every node are told exactly the wanted addresses for each name. All nodes are asked at once.
 * Throws `DNS_LATE`, saying where the answers still differ.
 */
export async function waitForNames(
  probes: readonly Probe[],
  wanted: ReadonlyMap<string, readonly string[]>,
  options: { readonly deadlineMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  const names = [...wanted.keys()]
  const end = performance.now() + options.deadlineMs
  const wrong = (
    await Promise.all(
      probes.map(async (probe): Promise<readonly NodeAnswer[]> => {
        for (;;) {
          options.signal?.throwIfAborted()
          const answers = await askNames(probe, names, options.signal)
          const differing = names.filter((name) => !sameAddresses(wanted.get(name) ?? [], answers.get(name) ?? []))
          if (differing.length === 0) return []
          if (performance.now() > end) {
            return differing.map((name) => ({ node: probe.connection.node, name, addresses: answers.get(name) ?? [] }))
          }
          await delay(LOOK_MS, undefined, options.signal === undefined ? {} : { signal: options.signal })
        }
      }),
    )
  ).flat()
  if (wrong.length === 0) return
  throw new LabError(
    'DNS_LATE',
    wrong
      .map(({ node, name, addresses }) => {
        const right = wanted.get(name) ?? []
        return `${node} answers ${list(addresses)} for ${name}, not ${list(right)}`
      })
      .join('\n'),
    { where: wrong.map(({ node }) => node).join(', '), hint: 'lab dns' },
  )
}

function list(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'nothing' : addresses.join(' ')
}
