import type { OpenLab } from '../workflows/open-lab.ts'

/** What goes with nodes and is nowhere else. */
export interface LostWithNodes {
  /** Disks by name, each `DISK of NODE`. */
  readonly disks: readonly string[]
  /** The node that has the logs of all containers, if it goes. */
  readonly logs: string | undefined
  /** The node that has the pushed images, if it goes. */
  readonly registry: string | undefined
}

/** What a question about nodes that go has to say of what goes with them, beside volumes, which move: perhaps nothing. */
export async function lostWithNodes(lab: OpenLab, nodes: readonly string[]): Promise<string> {
  const [{ presentDisks }, { roleHolders }] = await Promise.all([
    import('../workflows/disks.ts'),
    import('../workflows/role-holders.ts'),
  ])
  const [present, [logs = [], registry = []]] = await Promise.all([
    presentDisks(lab),
    roleHolders(lab, ['logs', 'registry']),
  ])
  return lostText({
    disks: nodes.flatMap((node) => Object.keys(present[node] ?? {}).map((disk) => `${disk} of ${node}`)),
    logs: nodes.find((node) => logs.includes(node)),
    registry: nodes.find((node) => registry.includes(node)),
  })
}

/** Pure: the same, in words. */
export function lostText({ disks, logs, registry }: LostWithNodes): string {
  return [
    ...(disks.length === 0 ? [] : [`all that is on the disk ${disks.join(', ')}`]),
    ...(logs === undefined
      ? []
      : [`what all containers logged so far, which is on ${logs} (lab logs -n all > FILE keeps it)`]),
    ...(registry === undefined
      ? []
      : [`images in the registry on ${registry} that no deployed app uses (lab up puts the others into the new one)`]),
  ]
    .map((each) => `, with ${each}`)
    .join('')
}
