import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { UsageError } from '../../model/errors.ts'

/** Where an SSH client would connect, and with what. */
export interface ClientConfig {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Names its host key is known under; absent: `host`. */
  readonly alias: string | undefined
  /** Private keys to offer, best first; they may not exist. */
  readonly keyFiles: readonly string[]
  /** Socket of the agent. */
  readonly agent: string | undefined
  readonly knownHosts: readonly string[]
  /** Hosts to go through, first one first: `[user@]host[:port]`. */
  readonly jump: readonly string[]
}

/** What is said already, before the client's configuration. */
export interface ClientQuestion {
  readonly host: string
  readonly port?: number | undefined
  readonly user?: string | undefined
  readonly config?: string | undefined
}

/**
 * What OpenSSH's own client makes of its configuration for a host (`ssh -G`): patterns, Match, Include and tokens are
 * understood as it does. Without the program, its defaults. Throws `UsageError` for a configuration it cannot read.
 */
export async function clientConfig(question: ClientQuestion): Promise<ClientConfig> {
  const { host, port, user, config } = question
  const options = [
    ...(config === undefined ? [] : ['-F', config]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
  ]
  const asked = await execa('ssh', ['-G', ...options, '--', host], { reject: false, stdin: 'ignore' })
  if (asked.exitCode === 0) return parseClientConfig(asked.stdout, host)
  if (asked.code !== 'ENOENT') {
    throw new UsageError(`ssh cannot read its configuration: ${asked.stderr.trim()}`, {
      where: config ?? '~/.ssh/config',
    })
  }
  if (config !== undefined) {
    throw new UsageError(`${config} is to be read, and the ssh program that understands it is not installed`, {
      where: 'lab.yml',
      hint: 'install openssh-client, or say host, port, user and key in lab.yml',
    })
  }
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => `identityfile ~/.ssh/${name}`)
  const defaults = [`hostname ${host}`, `port ${String(port ?? 22)}`, `user ${user ?? userInfo().username}`, ...usual]
  return parseClientConfig([...defaults, KNOWN_HOSTS].join('\n'), host)
}

const KNOWN_HOSTS = `userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2`

/** Pure but for the environment: the answer of `ssh -G`. */
export function parseClientConfig(text: string, asked: string): ClientConfig {
  const values = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ')
    if (at > 0) values.set(line.slice(0, at), [...(values.get(line.slice(0, at)) ?? []), line.slice(at + 1).trim()])
  }
  const one = (key: string) => {
    const value = values.get(key)?.[0]
    return value === undefined || value === 'none' ? undefined : value
  }
  const host = one('hostname') ?? asked
  const user = one('user') ?? userInfo().username
  const port = Number(one('port') ?? 22)
  if (one('proxycommand') !== undefined && one('proxyjump') === undefined) {
    throw new UsageError(`the configuration of ssh has a ProxyCommand for ${asked}, which lab does not run`, {
      where: asked,
      hint: 'say ProxyJump there, or jump: in lab.yml',
    })
  }
  const expand = (path: string) => {
    const tokens: Readonly<Record<string, string>> = {
      d: homedir(),
      h: host,
      r: user,
      u: userInfo().username,
      '%': '%',
    }
    const full = path.replace(/^"(.*)"$/, '$1').replace(/%([dhru%])/g, (_, token: string) => tokens[token] ?? '')
    return full.startsWith('~/') ? join(homedir(), full.slice(2)) : full
  }
  const agent = one('identityagent')
  const usesEnvironment = agent === undefined || agent === 'SSH_AUTH_SOCK'
  const isOff = values.get('identityagent')?.[0] === 'none'
  return {
    host,
    port,
    user,
    alias: one('hostkeyalias'),
    keyFiles: (values.get('identityfile') ?? []).map(expand),
    agent: isOff ? undefined : usesEnvironment ? process.env['SSH_AUTH_SOCK'] : expand(agent),
    knownHosts: [one('userknownhostsfile'), one('globalknownhostsfile')].flatMap((files) =>
      files === undefined ? [] : files.split(/\s+/).map(expand),
    ),
    jump: (one('proxyjump') ?? '').split(',').filter((hop) => hop !== ''),
  }
}
