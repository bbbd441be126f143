import type { OpenLab } from '../workflows/open-lab.ts'

/** What a question about nodes that go has to say of their disks; nothing where they have none. */
export async function lostDisks(lab: OpenLab, nodes: readonly string[]): Promise<string> {
  const { presentDisks } = await import('../workflows/disks.ts')
  const present = await presentDisks(lab)
  const lost = nodes.flatMap((node) => Object.keys(present[node] ?? {}).map((disk) => `${disk} of ${node}`))
  return lost.length === 0 ? '' : `, with all that is on the disk ${lost.join(', ')}`
}
