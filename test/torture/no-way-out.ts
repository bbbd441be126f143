import { spawn } from 'node:child_process'
import { execa } from 'execa'
import { asRoot, rootPrefix } from '../../src/providers/docker/host-root.ts'

/** A group that nobody is in. Processes of it, and those they start, are known to the kernel by it. */
const GROUP = '424242'

/** A lab that has no network, on a host that has one. */
export interface NoWayOut {
  /** The command that runs another one cut off from everything but loopback and the lab's nodes. */
  inside(argv: readonly [string, ...string[]]): readonly [string, readonly string[]]
  /** Gives the network back. */
  end(): Promise<void>
}

/**
 * Takes the network away from a lab: nothing leaves its subnet, and what is run by `inside` reaches only this. Rules of the
 * kernel, so that nothing can pass them by; they name this subnet and this group, and so concern nobody else on the host.
 * They go with `end`, or with this process, however it ends.
 */
export async function takeNetworkAway(subnet: string): Promise<NoWayOut> {
  const root = (await rootPrefix()) ?? []
  const rules: readonly (readonly string[])[] = [
    ['DOCKER-USER', '-s', subnet, '!', '-d', subnet, '-j', 'REJECT'],
    ['OUTPUT', '!', '-o', 'lo', '!', '-d', subnet, '-m', 'owner', '--gid-owner', GROUP, '-j', 'REJECT'],
  ]
  const undo = rules.map((rule) => `iptables -w -D ${rule.join(' ')}`).join('; ')
  const afterwards = `tail --pid=${String(process.pid)} -f /dev/null; ${undo}`
  // A session of its own: what ends this process and all that it started leaves it.
  const guard = spawn(...mutable(asRoot(root, ['sh', '-c', afterwards])), { detached: true, stdio: 'ignore' })
  guard.unref()
  const end = async () => {
    await execa(...asRoot(root, ['kill', '--', `-${String(guard.pid)}`]), { reject: false })
    await execa(...asRoot(root, ['sh', '-c', undo]), { reject: false })
  }
  try {
    for (const rule of rules) await execa(...asRoot(root, ['iptables', '-w', '-I', ...rule]))
  } catch (error) {
    await end()
    throw error
  }
  const user = String(process.getuid?.() ?? 0)
  return {
    inside: (argv) => asRoot(root, ['setpriv', `--reuid=${user}`, `--regid=${GROUP}`, '--keep-groups', ...argv]),
    end,
  }
}

function mutable([command, args]: readonly [string, readonly string[]]): [string, string[]] {
  return [command, [...args]]
}
