import { readHosts } from './held-hosts.ts'
import type { OpenLab } from './open-lab.ts'

/** A node for which lab.yml names another host than the lab has as it. */
export interface SwappedHost {
  readonly name: string
  readonly before: string
  readonly now: string
}

/**
 * Nodes of lab.yml whose hosts are not the lab's, though others were taken over as them: those would be left behind, with
 * the volumes on them. Only hosts that answer can tell; a host with another name or address and the same key is the same.
 */
export async function swappedHosts(open: OpenLab): Promise<readonly SwappedHost[]> {
  const { provider } = open
  const machines = new Set((await open.machines()).map(({ name }) => name))
  const held = (await readHosts(open.state)).filter(
    ({ name }) => !machines.has(name) && open.spec.nodes.some((node) => node.name === name),
  )
  const found = await Promise.all(
    held.map(async ({ name, host }) => {
      const now = host === undefined ? undefined : await provider.reached?.(name)
      if (host === undefined || now === undefined || now.at === host.at || now.key === host.key) return []
      return [{ name, before: host.at, now: now.at }]
    }),
  )
  return found.flat()
}
