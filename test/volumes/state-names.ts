import type { State } from './explore-steps.ts'

/** Short names of large values: equal values have one name. */
export class Names {
  readonly #known = new Map<string, number>()
  readonly #objects = new WeakMap<object, number>()

  of(value: object): number {
    const found = this.#objects.get(value)
    if (found !== undefined) return found
    const text = JSON.stringify(value)
    const name = this.#known.get(text) ?? this.#known.size
    this.#known.set(text, name)
    this.#objects.set(value, name)
    return name
  }

  /** Two states are one when they differ only in how many writes there were before. */
  ofState({ world, movers, strays, left, last }: State): string {
    const copies = Object.values(world.nodes).flatMap(({ live, snapshots }) => [
      ...(live === undefined ? [] : [live.upTo]),
      ...snapshots.map(({ upTo }) => upTo),
    ])
    const ranks = [...new Set([...copies, world.acknowledged])].sort((a, b) => a - b)
    const plain = Object.values(world.nodes).map((node) => {
      const live =
        node.live === undefined ? '-' : `${String(ranks.indexOf(node.live.upTo))}${node.live.frozen ? 'f' : 'w'}`
      const snapshots = node.snapshots.map(({ identity, upTo }) => `${identity}=${String(ranks.indexOf(upTo))}`)
      const flags = [node.up, node.served, node.running].map(Number)
      return [live, node.lease, node.fence, ...flags, ...snapshots].join(',')
    })
    const others = [...movers, ...strays].map((each) => this.of(each))
    const rest = [
      this.of(world.record),
      world.recordVersion,
      world.placed,
      this.of(world.made),
      others,
      this.of(left),
      last,
    ]
    return [...plain, ...rest, movers.length].join(';')
  }
}
