import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import type { Lab } from './lab.ts'
import { timed } from './measure.ts'
import type { Session } from './session.ts'

/** As many hosts at a time as lab itself takes on. */
const FORKS = 32

/** Ansible and pyinfra, set up as their own manuals advise for speed, on the nodes of a lab. */
export interface Rivals {
  /** Releases, for the notes. */
  readonly versions: string
  /** Wall time of a run of a playbook. With `settled`, one that changes something is an error. */
  ansible(playbook: string, settled: boolean): Promise<number>
  /** The same for a deploy of pyinfra. */
  pyinfra(deploy: string, settled: boolean): Promise<number>
}

/**
 * Installs both from PyPI in this run's directory, and Python on the nodes, which Ansible needs there. Connections go as
 * `lab ssh-config` says, host keys checked.
 */
export async function rivals(session: Session, lab: Lab): Promise<Rivals> {
  const { temporary, signal } = session
  const directory = join(temporary, 'rivals')
  const bin = join(directory, 'bin')
  const quiet = $({ quiet: true, signal, cwd: temporary })
  if (!(await readdir(temporary)).includes('rivals')) {
    session.say('install ansible-core and pyinfra, and python3 on the nodes')
    await quiet`python3 -m venv ${directory}`
    await quiet`${bin}/pip install --quiet ansible-core pyinfra`
  }
  await lab.everywhere(PYTHON)
  const ssh = await lab.sshConfig(temporary)

  // The path of a control socket must be short.
  const sockets = join(temporary, 'c')
  await mkdir(sockets, { recursive: true })
  session.defer(async () => {
    // Ansible leaves connections open for the next run: they are no use to anybody now.
    for (const socket of await readdir(sockets))
      await $({ quiet: true, nothrow: true })`ssh -o ControlPath=${join(sockets, socket)} -O exit x`
  })
  const inventory = join(temporary, 'inventory.ini')
  await writeFile(inventory, `${lab.nodes.join('\n')}\n`)
  const config = join(temporary, 'ansible.cfg')
  await writeFile(config, ansibleConfig(inventory, ssh, sockets))
  const hosts = join(temporary, 'inventory.py')
  await writeFile(hosts, pyinfraInventory(lab.nodes, ssh))

  const [ansibleVersion = '', pyinfraVersion = ''] = await Promise.all(
    ['ansible-core', 'pyinfra'].map(async (name) => {
      const { stdout } = await quiet`${bin}/pip show ${name}`
      return /^Version: (.*)$/m.exec(stdout)?.[1]
    }),
  )
  const run = $({
    quiet: true,
    signal,
    cwd: temporary,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ANSIBLE_CONFIG: config, ANSIBLE_HOME: join(temporary, 'ansible'), NO_COLOR: '1' },
  })
  return {
    versions: `ansible-core ${ansibleVersion} (pipelining, ${String(FORKS)} forks, no fact gathering), pyinfra ${pyinfraVersion}`,
    ansible: (playbook, settled) =>
      timed(async () => {
        const { stdout } = await run`${bin}/ansible-playbook ${playbook}`
        if (settled && !ansibleUnchanged(stdout, lab)) throw new Error(`ansible changed something:\n${stdout}`)
      }),
    pyinfra: (deploy, settled) =>
      timed(async () => {
        const { stdout, stderr } = await run`${bin}/pyinfra -y ${hosts} ${deploy}`
        if (settled && !pyinfraUnchanged(stdout + stderr))
          throw new Error(`pyinfra changed something:\n${stdout}${stderr}`)
      }),
  }
}

const PYTHON = `python3 -c 'import apt' 2>/dev/null && exit
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null
apt-get -q -y --no-install-recommends install python3 python3-apt >/dev/null`

function ansibleConfig(inventory: string, ssh: string, sockets: string): string {
  return `[defaults]
inventory = ${inventory}
forks = ${String(FORKS)}
host_key_checking = True
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = True
ssh_args = -F "${ssh}" -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = ${sockets}
`
}

function pyinfraInventory(nodes: readonly string[], ssh: string): string {
  const data = `{"ssh_config_file": ${JSON.stringify(ssh)}, "ssh_strict_host_key_checking": "yes"}`
  return `nodes = [${nodes.map((node) => `(${JSON.stringify(node)}, ${data})`).join(', ')}]\n`
}

/** Every node is accounted for, and each with nothing changed. */
function ansibleUnchanged(output: string, { nodes }: Lab): boolean {
  const counts = [...output.matchAll(/\bchanged=(\d+)/g)].map(([, number]) => Number(number))
  return counts.length === nodes.length && counts.every((number) => number === 0)
}

/** Of all operations on all hosts, none succeeded in changing something, and none failed. */
function pyinfraUnchanged(output: string): boolean {
  const [, all, same] = /Grand total\s+(\d+)\s+-\s+-\s+(\d+)/.exec(output) ?? []
  return all !== undefined && all === same
}
