import { createHash } from 'node:crypto'

/**
 * Subnets a lab may take, best first: below 10.64.0.0/10 and in parts of 172.16/12 and 192.168/16 that are seldom used.
 * Where to begin follows from the id of the network, so that networks created at the same moment seldom want the same one.
 */
export function subnetCandidates(id: string, nodes: number): readonly string[] {
  // Room for twice the nodes, and at least a /24: names of addresses stay easy to read.
  const prefix = Math.min(24, 32 - Math.ceil(Math.log2((nodes + 16) * 2)))
  const step = 2 ** Math.max(0, 24 - prefix)
  const start = createHash('sha256').update(id).digest().readUInt16BE(0)
  const blocks: string[] = []
  const add = (first: number, seconds: readonly number[]) => {
    for (const second of seconds) blocks.push(`${String(first)}.${String(second)}`)
  }
  add(
    10,
    [...Array(26).keys()].map((index) => 64 + ((start + index) % 26)),
  )
  add(172, [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31])
  add(192, [168])
  const thirds = [0, 64, 128].map((offset) => {
    const third = (Math.floor(start / 26) + offset) % 256
    return third - (third % step)
  })
  return blocks.flatMap((block) => thirds.map((third) => `${block}.${String(third)}.0/${String(prefix)}`))
}
