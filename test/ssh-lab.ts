import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { labIdentity } from '../src/config/identity.ts'
import { parseLab } from '../src/config/parse.ts'
import { openLab, type OpenLab } from '../src/workflows/open-lab.ts'
import type { SshTestHost } from './ssh-host.ts'

/** What sudo asks `careful` for. */
export const PASSWORD = 'correct-horse'

/** The lab of one host: through itself as a gate, as a user whose sudo asks for a password; `more` is said of its node. */
export async function openHostLab(host: SshTestHost, more = ''): Promise<OpenLab> {
  await writeFile(join(host.directory, 'password'), `${PASSWORD}\n`)
  const text = `provider: ssh
ssh: { config: ./ssh_config, sudo: password, passwordFile: ./password }
nodes:
  - { name: solo, roles: [manager, build, edge, worker, registry, logs], ${more} ssh: { host: target, address: ${host.address} } }`
  const spec = parseLab(text, { file: 'lab.yml', defaultName: 'hosts', directory: host.directory })
  const lab = labIdentity('hosts', host.directory)
  return openLab({ lab, spec, emit: () => undefined, signal: new AbortController().signal })
}
