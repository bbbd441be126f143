import { homedir } from 'node:os'
import { resolve } from 'node:path'
import * as z from 'zod'
import { parseAddress } from '../model/addresses.ts'
import type { SshHostSpec } from '../model/ssh-host.ts'

/** A string that passes `test`; `message` says what it should be. */
const text = (test: RegExp, message: string) => z.string().regex(test, { error: message })

const port = z.int().min(1).max(65_535)
const hostName = text(/^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$/, 'give a name or an address, without user or port')

const common = {
  port: port.optional().describe('Port of the SSH server; 22 or what ~/.ssh/config says when absent.'),
  user: text(/^[a-z_][a-z0-9_.-]*$/i, 'give the name of a user')
    .optional()
    .describe('Who logs in; what ~/.ssh/config says or your own name when absent.'),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('Your private key, for the first contact; ~/.ssh/config, your usual keys and your agent when absent.'),
  sudo: z
    .union([z.boolean(), z.literal('password')], { error: 'expected true, false or password' })
    .optional()
    .describe(
      'How a user who is not root becomes root: true, sudo asks nothing; password, it asks for one (LAB_SUDO_PASSWORD, passwordFile or the terminal). true when absent.',
    ),
  passwordFile: z.string().min(1).optional().describe("File with sudo's password, for sudo: password."),
  jump: text(
    /^(none|([^@\s,]+@)?[A-Za-z0-9_.-]+(:\d{1,5})?(,([^@\s,]+@)?[A-Za-z0-9_.-]+(:\d{1,5})?)*)$/,
    'write it like user@gate:22, several with commas between, or none',
  )
    .optional()
    .describe('Host to go through, such as me@gate.example.org; what ~/.ssh/config says when absent.'),
  config: z.string().min(1).optional().describe("The SSH client's configuration; ~/.ssh/config when absent."),
}

/** `ssh` of a node. */
export const sshHostSchema = z
  .strictObject({
    host: hostName
      .optional()
      .describe("Name or address of the host, or a Host of ~/.ssh/config; the node's name when absent."),
    ...common,
    address: z
      .string()
      .refine((value) => parseAddress(value) !== undefined, { error: 'give an IPv4 address such as 10.0.0.5' })
      .optional()
      .describe("The host's own address on the network that the nodes share; what host resolves to when absent."),
  })
  .describe('With provider: ssh, how this host is reached.')

/** `ssh` of the whole file: what holds for every node that does not say otherwise. */
export const sshDefaultsSchema = z
  .strictObject(common)
  .describe('With provider: ssh, how hosts are reached that do not say otherwise.')

type SshHost = z.output<typeof sshHostSchema>
type SshDefaults = z.output<typeof sshDefaultsSchema>

/** Pure: how the node `name` is reached. Paths start at `directory`, or at home with `~/`. */
export function sshHost(
  name: string,
  own: SshHost | undefined,
  defaults: SshDefaults | undefined,
  directory: string,
): SshHostSpec {
  const { sudo, key, passwordFile, config, host, ...rest } = { ...defaults, ...own }
  const path = (given: string | undefined) =>
    given === undefined
      ? undefined
      : given.startsWith('~/')
        ? resolve(homedir(), given.slice(2))
        : resolve(directory, given)
  return {
    ...rest,
    host: host ?? name,
    sudo: sudo === 'password' ? 'password' : sudo === false ? 'none' : 'passwordless',
    key: path(key),
    passwordFile: path(passwordFile),
    config: path(config),
  }
}
