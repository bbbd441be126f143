import { VOLUME_PATHS } from './paths.ts'

/** How nodes reach one another for transfers: one entry a node, by name; nothing else is reachable with this file. */
export function transferConfig(
  nodes: readonly { readonly name: string; readonly address: string; readonly user?: string; readonly port?: number }[],
): string {
  const common = `Host *
  IdentityFile ${VOLUME_PATHS.transferKey}
  IdentitiesOnly yes
  UserKnownHostsFile ${VOLUME_PATHS.transferKnownHosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  Ciphers aes128-gcm@openssh.com
  Compression no
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  LogLevel ERROR
`
  const each = nodes.map(
    (node) => `Host ${node.name}
  HostName ${node.address}
  HostKeyAlias ${node.name}
  User ${node.user ?? 'root'}
  Port ${String(node.port ?? 22)}
`,
  )
  return [...each, common].join('\n')
}

/** `known_hosts` of transfers: the host key of each node under its name. */
export function transferKnownHosts(hostKeys: Readonly<Record<string, string>>): string {
  return Object.entries(hostKeys)
    .map(([node, key]) => `${node} ${key.trim()}\n`)
    .join('')
}

/** The line of `authorized_keys` that lets the transfer key in, for one command only. */
export function transferAuthorizedKey(publicKey: string): string {
  return `restrict,command="${VOLUME_PATHS.receive}" ${publicKey.trim()}`
}
