import type { StateDirectory } from '../secrets/state-directory.ts'

/**
 * In the state directory: the nodes whose hosts the lab took over and has not given back. It goes with the directory. The
 * hosts know whose they are, but nobody can ask them whom lab.yml does not name any more.
 */
const HELD_HOSTS_FILE = 'held-hosts'

/** Notes that the hosts of these nodes are the lab's. */
export async function noteHosts(state: StateDirectory, nodes: readonly string[]): Promise<void> {
  const text = nodes.join('\n')
  if ((await state.read(HELD_HOSTS_FILE)) !== text) await state.write(HELD_HOSTS_FILE, text)
}

/** Nodes whose hosts are the lab's, as far as that is noted. */
export async function heldHosts(state: StateDirectory): Promise<readonly string[]> {
  return (await state.read(HELD_HOSTS_FILE))?.split('\n') ?? []
}
