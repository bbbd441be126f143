import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { labIdentity } from '../src/config/identity.ts'
import { parseLab } from '../src/config/parse.ts'
import { openLab, type OpenLab } from '../src/workflows/open-lab.ts'
import type { SshTestHost } from './ssh-host.ts'

/** What sudo asks `careful` for. */
export const PASSWORD = 'correct-horse'

/** Where an SSH server listens beside its usual port. */
const OTHER_PORT = 2222

/**
 * Makes another host the gate to this one: twice, at both of its ports. Returns what to say of the way in `ssh` of lab.yml;
 * the host itself is reached at its other port.
 */
export async function leadThrough(gate: SshTestHost, host: SshTestHost): Promise<string> {
  const { stdout: userKey } = await execa('ssh-keygen', ['-y', '-f', join(host.directory, 'id')])
  await gate.sh(`for home in /root /home/admin; do echo '${userKey}' >>$home/.ssh/authorized_keys; done`)
  for (const each of [gate, host]) {
    await each.sh(
      `printf 'Port 22\\nPort ${String(OTHER_PORT)}\\n' >/etc/ssh/sshd_config.d/ports.conf; systemctl restart ssh`,
    )
    const key = (await each.sh('cat /etc/ssh/ssh_host_ed25519_key.pub')).split(' ').slice(0, 2).join(' ')
    // The host itself is known by its usual port already.
    const names = [...(each === gate ? [each.address] : []), `[${each.address}]:${String(OTHER_PORT)}`]
    await appendFile(join(host.directory, 'known_hosts'), names.map((name) => `${name} ${key}\n`).join(''))
  }
  return `port: ${String(OTHER_PORT)}, jump: "admin@${gate.address}:${String(OTHER_PORT)},root@${gate.address}"`
}

/**
 * The lab of one host, as a user whose sudo asks for a password; `more` is said of its node, `way` of how it is reached:
 * without it, as the configuration of the user's SSH client has it, through the host itself as a gate.
 */
export async function openHostLab(host: SshTestHost, more = '', way = ''): Promise<OpenLab> {
  await writeFile(join(host.directory, 'password'), `${PASSWORD}\n`)
  const text = `provider: ssh
ssh: { config: ./ssh_config, sudo: password, passwordFile: ./password }
nodes:
  - { name: solo, roles: [manager, build, edge, worker, registry, logs], ${more} ssh: { host: target, address: ${host.address}, ${way} } }`
  const spec = parseLab(text, { file: 'lab.yml', defaultName: 'hosts', directory: host.directory })
  const lab = labIdentity('hosts', host.directory)
  return openLab({ lab, spec, emit: () => undefined, signal: new AbortController().signal })
}
