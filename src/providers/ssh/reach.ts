import { readFile } from 'node:fs/promises'
import ssh2 from 'ssh2'
import { openSsh, type SshOptions } from '../../connections/ssh.ts'
import type { Elevation } from '../../connections/elevation.ts'
import type { Connection } from '../../model/connection.ts'
import type { NodeSpec } from '../../model/lab-spec.ts'
import type { SshHostSpec } from '../../model/ssh-host.ts'
import { quoteAll } from '../../shell/quote.ts'
import { clientConfig, type ClientConfig } from './client-config.ts'
import { knownKeys } from './known-hosts.ts'
import { sudoPassword } from './sudo-password.ts'

/** A host of lab.yml, and how this machine reaches it. */
export interface ReachableHost {
  readonly node: NodeSpec
  readonly spec: SshHostSpec
  readonly client: ClientConfig
  /** For {@link openSsh}, but for keys and deadlines. */
  readonly route: Pick<SshOptions, 'node' | 'host' | 'port' | 'user' | 'hostKey' | 'jump' | 'hints'>
  /** What the user has to get in with. */
  readonly ownKeys: Pick<SshOptions, 'otherKeys' | 'agent'>
}

/** How one attempt goes. */
export interface Attempt {
  readonly deadlineMs: number
  readonly retryWhileBooting?: boolean
  readonly signal: AbortSignal
}

/** Time for one attempt: a host may be far away, and behind others. */
export const CONTACT_MS = 8000

/** Works out how a host is reached; contacts nobody. */
export async function reachableHost(node: NodeSpec): Promise<ReachableHost> {
  const spec = node.ssh ?? { host: node.name, sudo: 'passwordless' }
  const client = await clientConfig(spec)
  const hops = spec.jump === undefined ? client.jump : spec.jump === 'none' ? [] : spec.jump.split(',')
  let jump: SshOptions | undefined
  for (const hop of hops) jump = await throughHop(hop, spec, jump)
  const by = jump === undefined ? [] : ['-J', hops.join(',')]
  const hostKey = await keysOf(client)
  return {
    node,
    spec,
    client,
    route: { node: node.name, ...address(client), hostKey, jump, hints: hintsFor(spec, client, by) },
    ownKeys: await ownKeys(client, spec.key),
  }
}

/** Opens a connection that is root's, with the lab's key, or with that or what the user has. */
export async function openHost(
  { node, spec, client, route, ownKeys }: ReachableHost,
  labKey: string,
  who: 'lab' | 'user',
  attempt: Attempt,
): Promise<Connection> {
  return openSsh({
    ...route,
    privateKey: labKey,
    ...(who === 'user' ? ownKeys : {}),
    ...attempt,
    elevation: await elevationOf(node, spec, client),
  })
}

async function elevationOf(node: NodeSpec, spec: SshHostSpec, { user }: ClientConfig): Promise<Elevation | undefined> {
  if (user === 'root' || spec.sudo === 'none') return undefined
  return spec.sudo === 'password' ? { password: await sudoPassword(node.name, { ...spec, user }) } : {}
}

async function throughHop(hop: string, spec: SshHostSpec, before: SshOptions | undefined): Promise<SshOptions> {
  const {
    user,
    host = hop,
    port,
  } = /^(?:(?<user>[^@]+)@)?\[?(?<host>[^:\]]+)\]?(?::(?<port>\d+))?$/.exec(hop)?.groups ?? {}
  const client = await clientConfig({
    host,
    user,
    port: port === undefined ? undefined : Number(port),
    config: spec.config,
  })
  return {
    node: host,
    ...address(client),
    hostKey: await keysOf(client),
    ...(await ownKeys(client, undefined)),
    jump: before,
    hints: hintsFor({ ...spec, host }, client, []),
    deadlineMs: CONTACT_MS,
  }
}

function address({ host, port, user }: ClientConfig) {
  return { host, port, user }
}

async function keysOf({ host, port, alias, knownHosts }: ClientConfig): Promise<readonly string[]> {
  const texts = await Promise.all(knownHosts.map((file) => readFile(file, 'utf8').catch(() => '')))
  return knownKeys(texts.join('\n'), alias ?? host, alias === undefined ? port : 22).keys
}

/** Keys that can be used as they are; one with a passphrase is the agent's matter. */
async function ownKeys(client: ClientConfig, named: string | undefined): Promise<ReachableHost['ownKeys']> {
  const files = named === undefined ? client.keyFiles : [named]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => undefined)))
  const usable = texts.filter((text) => text !== undefined && !(ssh2.utils.parseKey(text) instanceof Error))
  return { otherKeys: usable.filter((text) => text !== undefined), agent: client.agent }
}

/** What to type when it does not work, for this host. */
function hintsFor(spec: SshHostSpec, client: ClientConfig, by: readonly string[]): NonNullable<SshOptions['hints']> {
  const { host, port, alias, knownHosts } = client
  const file = knownHosts[0] ?? '~/.ssh/known_hosts'
  const name = alias ?? (port === 22 ? host : `[${host}]:${String(port)}`)
  const options = [
    ...(spec.config === undefined ? [] : ['-F', spec.config]),
    ...(spec.port === undefined ? [] : ['-p', String(spec.port)]),
    ...(spec.user === undefined ? [] : ['-l', spec.user]),
    ...(spec.key === undefined ? [] : ['-i', spec.key]),
    ...by,
  ]
  const contact = quoteAll(['ssh', ...options, spec.host, 'true'])
  const scan = `${quoteAll(['ssh-keyscan', '-p', String(port), host])} >>${file}`
  const learn =
    by.length === 0 && client.jump.length === 0 && alias === undefined ? `${contact} (or: ${scan})` : contact
  return {
    HOST_KEY_UNKNOWN: `compare it with what "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" says on that host; if it is the same: ${learn}`,
    HOST_KEY_CHANGED: `somebody may be in between; if the host was installed anew: ${quoteAll(['ssh-keygen', '-f', file, '-R', name])}, then ${contact}`,
    ACCESS_DENIED: `this has to work first: ${contact}; a key with a passphrase goes to the agent (ssh-add)`,
    UNREACHABLE: `see whether it is on: ${contact}`,
  }
}
