import { join } from 'node:path'
import { LabError } from '../model/errors.ts'
import type { Machine } from '../model/provider.ts'
import { STATE_FILES } from '../secrets/lab-secrets.ts'
import { writeKnownHosts } from './machines.ts'
import type { OpenLab } from './open-lab.ts'

/**
 * A configuration for OpenSSH in which every node that runs is a host by its name: `ssh -F FILE node1`, scp and rsync
 * likewise. It refers to the lab's key and known hosts, which are brought up to date.
 */
export async function sshConfig(lab: OpenLab): Promise<string> {
  const machines = await lab.machines()
  if (machines.every(({ ssh }) => ssh === undefined)) throw new LabError('NO_NODES', 'no node runs', { hint: 'lab up' })
  await writeKnownHosts(lab)
  return renderSshConfig(machines, lab.lab.stateDirectory)
}

/** Pure: the configuration's text. */
export function renderSshConfig(machines: readonly Machine[], stateDirectory: string): string {
  const file = (name: string) => quoted(join(stateDirectory, name))
  return machines
    .flatMap(({ name, ssh }) => {
      if (ssh === undefined) return []
      const settings = [
        ['HostName', ssh.host],
        ['Port', String(ssh.port)],
        ['User', ssh.user],
        ['IdentityFile', file(STATE_FILES.key)],
        ['IdentitiesOnly', 'yes'],
        ['UserKnownHostsFile', file(STATE_FILES.knownHosts)],
        ['StrictHostKeyChecking', 'yes'],
        ['PasswordAuthentication', 'no'],
      ]
      return [`Host ${name}\n${settings.map(([key = '', value = '']) => `  ${key} ${value}\n`).join('')}`]
    })
    .join('\n')
}

/** A path as OpenSSH reads one: quotes around it, and its own sign for variables doubled. */
function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}
