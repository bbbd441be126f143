/** How a host that exists already is reached, before `~/.ssh/config` fills in what is not said. */
export interface SshHostSpec {
  /** Name or address, or a `Host` of the SSH client's configuration. */
  readonly host: string
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** The user's own private key; absolute. Absent: the client's configuration, its usual keys, the agent. */
  readonly key?: string | undefined
  /** How commands become root's where the user is not root. */
  readonly sudo: 'passwordless' | 'password' | 'none'
  /** Where sudo's password stands; absolute. */
  readonly passwordFile?: string | undefined
  /** `[user@]host[:port]`, several with commas between; `none` overrides what the client's configuration says. */
  readonly jump?: string | undefined
  /** The node's own address on the network the nodes share; absent: what `host` resolves to. */
  readonly address?: string | undefined
  /** The SSH client's configuration; absolute. Absent: its own files. */
  readonly config?: string | undefined
}
