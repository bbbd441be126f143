/** What a network is like from one node to another, one way. What is left out is as the host's network has it. */
export interface LinkConditions {
  /** Time that each packet takes more. */
  readonly delayMs?: number | undefined
  /** Share of the packets that are lost, in percent. */
  readonly lossPercent?: number | undefined
  /** Most bits a second. */
  readonly rateBits?: number | undefined
}

/** An entry of `links` in lab.yml. */
export interface LinkSpec extends LinkConditions {
  /** One node: to and from all others. Several: between any two of them. */
  readonly nodes: readonly string[]
  /** The network of lab.yml that it is about; the lab's own when absent. */
  readonly network?: string | undefined
}

/** Conditions of what a node sends to another. */
export interface PeerLink extends LinkConditions {
  readonly peer: string
}

/** Pure: conditions from a node to each of the others; of several entries for two nodes the last one counts. */
export function linksFrom(node: string, nodes: readonly string[], links: readonly LinkSpec[]): readonly PeerLink[] {
  return nodes.flatMap((peer) => {
    if (peer === node) return []
    const link = links.findLast((each) =>
      each.nodes.length === 1
        ? each.nodes.includes(node) || each.nodes.includes(peer)
        : each.nodes.includes(node) && each.nodes.includes(peer),
    )
    if (link === undefined) return []
    const { delayMs, lossPercent, rateBits } = link
    return [{ peer, delayMs, lossPercent, rateBits }]
  })
}

/** Pure: conditions as people say them: `10 Mbit/s, 50 ms, 1 % lost`. */
export function conditionsText({ delayMs, lossPercent, rateBits }: LinkConditions): string {
  const parts = [
    ...(rateBits === undefined ? [] : [`${String(rateBits / 1e6)} Mbit/s`]),
    ...(delayMs === undefined ? [] : [`${String(delayMs)} ms`]),
    ...(lossPercent === undefined ? [] : [`${String(lossPercent)} % lost`]),
  ]
  return parts.join(', ')
}
