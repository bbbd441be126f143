import type { Machine, ReachedHost } from '../model/provider.ts'
import type { StateDirectory } from '../secrets/state-directory.ts'

/**
 * In the state directory: the nodes whose hosts the lab took over and has not given back, a line each, and behind its name
 * the host and its key, once that is known. It goes with the directory. The hosts know whose they are, but nobody can ask
 * them whom lab.yml does not name any more.
 */
const HELD_HOSTS_FILE = 'held-hosts'

/** A node, and the host that the lab took over as it. */
interface HeldHost {
  readonly name: string
  /** Undefined where it was not noted. */
  readonly host?: ReachedHost
}

/**
 * Notes that the hosts of these nodes are the lab's: which ones, as far as `machines` tell; else what was noted of them
 * before.
 */
export async function noteHosts(
  state: StateDirectory,
  nodes: readonly string[],
  machines: readonly Machine[] = [],
): Promise<void> {
  const before = new Map((await readHosts(state)).map(({ name, host }) => [name, host]))
  const lines = nodes.map((name) => {
    const { ssh, hostKey } = machines.find((machine) => machine.name === name) ?? {}
    const now = ssh === undefined || hostKey === undefined ? undefined : { at: hostText(ssh), key: hostKey }
    const host = now ?? before.get(name)
    return host === undefined ? name : `${name} ${host.at} ${host.key}`
  })
  const text = lines.join('\n')
  if ((await state.read(HELD_HOSTS_FILE)) !== text) await state.write(HELD_HOSTS_FILE, text)
}

/** Nodes whose hosts are the lab's, as far as that is noted. */
export async function heldHosts(state: StateDirectory): Promise<readonly string[]> {
  return (await readHosts(state)).map(({ name }) => name)
}

/** What is noted of each. */
export async function readHosts(state: StateDirectory): Promise<readonly HeldHost[]> {
  const lines = (await state.read(HELD_HOSTS_FILE))?.split('\n') ?? []
  return lines.map((line) => {
    const [name = '', at, ...key] = line.split(' ')
    return at === undefined ? { name } : { name, host: { at, key: key.join(' ') } }
  })
}

/** How a host is noted: where it is reached. */
function hostText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${String(port)}`
}
