import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { waitFor } from '../src/model/wait.ts'
import { bootstrapCommand } from '../src/providers/docker/base-image.ts'
import { asRoot, rootPrefix } from '../src/providers/docker/host-root.ts'
import { imageTags } from '../src/providers/docker/image-recipe.ts'
import { missingCapabilities, nodePrivileges } from '../src/providers/docker/privileges.ts'
import { generateKey } from '../src/secrets/lab-secrets.ts'

/** A plain Debian with an SSH server that is not lab's, in a container. */
export interface SshTestHost {
  readonly address: string
  /** Directory with the user's key `id`, `known_hosts` (which knows the host) and `ssh_config`. */
  readonly directory: string
  /** What a script prints on the host, as root, without SSH. */
  readonly sh: (script: string) => Promise<string>
  /** What the host is like, a thing a line, in order: files with digests, packages, units, accounts, ports, mounts. */
  readonly look: () => Promise<readonly string[]>
  destroy(): Promise<void>
}

const RECIPE = join(import.meta.dirname, 'ssh-hosts')

/** What a host runs: Debian 12 or 13. */
export type TestRelease = 'bookworm' | 'trixie'

/** Starts a host; its image is made once and kept. Users: root, admin (sudo), careful (sudo with `correct-horse`). */
export async function startSshHost(release: TestRelease = 'trixie'): Promise<SshTestHost> {
  const image = await hostImage(release)
  const directory = await mkdtemp(join(tmpdir(), 'lab-ssh-'))
  const name = `lab-test-host-${randomBytes(4).toString('hex')}`
  const sh = async (script: string) =>
    (await execa('docker', ['exec', '-i', name, 'sh'], { input: script })).stdout.trim()
  const look = async () => {
    const script = await readFile(join(RECIPE, 'look.sh'), 'utf8')
    return [...new Set((await sh(script)).split('\n'))].sort()
  }
  const destroy = async () => {
    await execa('docker', ['rm', '-f', '-v', name], { reject: false })
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await writeFile(join(directory, 'id'), generateKey('user'), { mode: 0o600 })
    const publicKey = (await execa('ssh-keygen', ['-y', '-f', join(directory, 'id')])).stdout
    await execa('docker', ['run', '-d', '--name', name, '--hostname', 'before', ...(await flags()), image])
    await sh(`for user in root admin careful; do
      home=$(getent passwd $user | cut -d: -f6)
      install -d -m 0700 -o $user -g $user $home/.ssh
      echo '${publicKey}' >$home/.ssh/authorized_keys && chown $user:$user $home/.ssh/authorized_keys
    done`)
    const state = () => sh('systemctl is-system-running || :')
    await waitFor(async () => ((await state()) === 'running' ? true : undefined), { deadlineMs: 60_000, what: name })
    const address = (await sh('hostname -I')).split(' ')[0] ?? ''
    const key = (await sh('cat /etc/ssh/ssh_host_ed25519_key.pub')).split(' ').slice(0, 2).join(' ')
    await writeFile(join(directory, 'known_hosts'), `${address} ${key}\n`)
    const config = `Host target\n  HostName ${address}\n  User careful\n  ProxyJump admin@${address}\n`
    const all = `Host *\n  UserKnownHostsFile ${directory}/known_hosts\n  IdentityFile ${directory}/id\n`
    await writeFile(join(directory, 'ssh_config'), config + all)
    return { address, directory, sh, look, destroy }
  } catch (error) {
    await destroy()
    throw error
  }
}

async function hostImage(release: TestRelease): Promise<string> {
  const base = release === 'trixie' ? (await imageTags()).base : `lab-test-base:${release}`
  const image = `lab-test-host:${release === 'trixie' ? (base.split(':')[1] ?? '') : release}`
  if (await hasImage(image)) return image
  if (!(await hasImage(base))) {
    const command = asRoot((await rootPrefix()) ?? [], await bootstrapCommand(release))
    // Unbuffered: it is more than execa would hold, and where nobody takes its output mmdebstrap ends its whole process group.
    await execa(...command, { buffer: { stdout: false } }).pipe('docker', ['import', '-', base])
  }
  await execa('docker', ['build', '-q', '--build-arg', `BASE=${base}`, '-t', image, RECIPE])
  return image
}

async function hasImage(name: string): Promise<boolean> {
  return (await execa('docker', ['image', 'inspect', name], { reject: false })).exitCode === 0
}

async function flags(): Promise<readonly string[]> {
  const { Privileged, CapDrop } = nodePrivileges(await missingCapabilities())
  const rights =
    Privileged === true
      ? ['--privileged']
      : [
          '--cap-add=ALL',
          ...((CapDrop ?? []) as string[]).map((name) => `--cap-drop=${name}`),
          ...['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'].map(
            (each) => `--security-opt=${each}`,
          ),
          '--device-cgroup-rule=a *:* rwm',
        ]
  // An engine's layers cannot lie on those of another one.
  const room = ['--volume=/var/lib', '--tmpfs=/run:exec', '--tmpfs=/run/lock', '--tmpfs=/tmp:exec']
  return [...rights, '--cgroupns=private', ...room]
}
