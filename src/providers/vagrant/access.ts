import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { LabError } from '../../model/errors.ts'
import type { MachineRequest } from '../../model/provider.ts'
import { quoteAll } from '../../shell/quote.ts'
import { accessArchive } from '../docker/machine.ts'
import type { Vagrant } from './command.ts'

/**
 * Runs as root, with the files of `accessArchive` on standard input. Vagrant's own key may be root's: it stays, and the
 * lab's takes the place of the one a lab had here before.
 */
const GIVE_ACCESS = `set -eu
umask 077
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
tar -x -f - -C "$new"
mkdir -p /root/.ssh
keys=/root/.ssh/authorized_keys
if [ -e "$keys" ]; then grep -v ' lab$' "$keys" >"$new/kept" || true; else : >"$new/kept"; fi
cat "$new/root/.ssh/authorized_keys" >>"$new/kept"
cat "$new/kept" >"$keys"
chmod 0600 "$keys"
for part in '' .pub; do cat "$new/etc/ssh/ssh_host_ed25519_key$part" >/etc/ssh/ssh_host_ed25519_key$part; done
chmod 0644 /etc/ssh/ssh_host_ed25519_key.pub
systemctl reload-or-restart ssh`

/** Becomes root where Vagrant's user is another one. */
const AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec sh -c "$1"; else exec sudo -n sh -c "$1"; fi'

/**
 * Gives machines the lab's keys, by the way Vagrant itself reaches them. Answers with what went wrong, by machine: a
 * `LabError` `NO_ACCESS`.
 */
export async function giveAccess(
  vagrant: Vagrant,
  requests: readonly MachineRequest[],
): Promise<ReadonlyMap<MachineRequest, unknown>> {
  const config = await vagrant.run(['ssh-config', ...requests.map(({ node }) => node.name)])
  const directory = await mkdtemp(join(tmpdir(), 'lab-vagrant-'))
  const failed = new Map<MachineRequest, unknown>()
  try {
    const file = join(directory, 'ssh_config')
    await writeFile(file, config, { mode: 0o600 })
    await Promise.all(
      requests.map((request) =>
        giveOne(file, request).catch((error: unknown) => {
          failed.set(request, error)
        }),
      ),
    )
  } finally {
    await rm(directory, { recursive: true })
  }
  return failed
}

async function giveOne(config: string, request: MachineRequest): Promise<void> {
  const { name } = request.node
  const command = quoteAll(['sh', '-c', AS_ROOT, 'sh', GIVE_ACCESS])
  const input = await accessArchive(request)
  const { exitCode, all } = await execa('ssh', ['-F', config, '-o', 'BatchMode=yes', name, command], {
    input,
    all: true,
    reject: false,
  })
  if (exitCode === 0) return
  throw new LabError('NO_ACCESS', `${name} does not take the lab's keys: ${all}`, {
    where: name,
    hint: `vagrant ssh ${name} -c 'sudo -n true' must work; where it does not: vagrant reload ${name}, then lab up`,
  })
}
