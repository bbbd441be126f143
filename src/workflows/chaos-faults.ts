import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import type { FaultKind } from '../model/fault.ts'
import { NODE_PATHS } from '../model/names.ts'
import { listNodes } from '../swarm/nodes.ts'
import { cutFrom, joinAgain } from './node-faults.ts'
import type { OpenLab } from './open-lab.ts'

/** Longest that a script of a fault may take; filling a pool is the slowest. */
const SCRIPT_MS = 120_000
/** What a node does by itself ends by itself after this: also when whoever did it was killed. */
const UNDO_S = 180

/** A fault at one node: what brings it about, and what ends its cause. What it broke has to heal by itself. */
export interface Fault {
  begin(): Promise<void>
  end(): Promise<void>
}

/** A fault that is ready to strike. The connection it needs is opened now, while there is one to be had. */
export async function prepareFault(open: OpenLab, kind: FaultKind, node: string): Promise<Fault> {
  const { provider } = open
  switch (kind) {
    case 'kill':
    case 'leader':
      return {
        begin: async () => {
          await open.disconnect(node)
          await provider.kill(node)
        },
        end: async () => {
          await provider.start(node, open.signal)
          open.refresh()
        },
      }
    case 'pause':
      return {
        begin: async () => {
          await open.disconnect(node)
          await provider.pause?.(node)
        },
        end: async () => {
          await provider.resume?.(node)
          open.refresh()
        },
      }
    case 'cut': {
      const peers = (await open.machines()).filter(({ name }) => name !== node)
      const connection = await open.connect(node)
      return { begin: () => cutFrom(connection, peers), end: () => joinAgain(connection) }
    }
    case 'engine':
      return {
        begin: async () => runOn(await open.connect(node), 'systemctl restart docker.service'),
        end: async () => {
          // It is started already: what it ran is what has to come back.
        },
      }
    case 'fill':
      return undoneBy(open, node, { unit: 'lab-chaos-room', begin: FILL, end: MAKE_ROOM })
    case 'sshd':
      return undoneBy(open, node, {
        unit: 'lab-chaos-ssh',
        begin: 'systemctl stop $listening',
        end: 'systemctl start $listening',
      })
  }
}

/** Who leads the managers now. */
export async function currentLeader(open: OpenLab): Promise<string> {
  const members = await listNodes((await open.manager()).engine, open.signal)
  const leader = members.find((member) => member.leader)
  if (leader === undefined) throw new LabError('NO_MANAGER', 'no manager leads', { hint: 'lab doctor' })
  return leader.name
}

// What listens for SSH: a service, or the socket that starts it.
const LISTENING = `listening=$(for unit in ssh.socket ssh.service; do ! systemctl is-active --quiet "$unit" || echo "$unit"; done)`

// Room is taken, nothing is written: the disk below a pool that is a file stays as it is. Half of what did not fit is
// tried next, so that in the end hardly a page of a database fits. Each refusal takes the filesystem its time, and what
// writers give back meanwhile would be taken for ever.
const FILL = `pool=${NODE_PATHS.pool}
filesystem=$(findmnt -no FSTYPE "$pool")
# What was deleted lately is given back when there is time: after the room was taken it would be room again.
[ "$filesystem" != btrfs ] || timeout 60 btrfs subvolume sync "$pool" >/dev/null 2>&1 || :
size=$(df -B 1 --output=avail "$pool" | tail -n 1)
if [ "$filesystem" = btrfs ]; then
  file=$pool/chaos-fill
  : >"$file"
  tries=60
  while [ "$size" -ge 65536 ] && [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    fallocate -o "$(stat -c %s "$file")" -l "$size" "$file" 2>/dev/null || size=$((size / 2 / 4096 * 4096))
  done
  btrfs filesystem sync "$pool"
else
  until zfs create -o mountpoint=none -o reservation="$size" lab/chaos-fill 2>/dev/null; do
    size=$((size * 999 / 1000))
    [ "$size" -gt 0 ]
  done
fi`

const MAKE_ROOM = `pool=${NODE_PATHS.pool}
if [ -e "$pool/chaos-fill" ]; then
  rm -f "$pool/chaos-fill"
  btrfs filesystem sync "$pool"
elif zfs list lab/chaos-fill >/dev/null 2>&1; then
  zfs destroy lab/chaos-fill
fi`

/** A fault that the node itself ends in time, whatever becomes of lab: its end is a unit there, with a timer. */
async function undoneBy(
  open: OpenLab,
  node: string,
  fault: { readonly unit: string; readonly begin: string; readonly end: string },
): Promise<Fault> {
  const { unit, begin, end } = fault
  const connection = await open.connect(node)
  // A run that was killed may have left one that waits.
  const arm = `systemctl stop ${unit}.timer 2>/dev/null || :
systemd-run --quiet --collect --unit=${unit} --on-active=${String(UNDO_S)} \\
  --timer-property=AccuracySec=1s --property=Type=oneshot --setenv=listening="$listening" sh -euc "$end"`
  return {
    begin: () => runOn(connection, `end=$1\n${LISTENING}\n${arm}\n${begin}`, end),
    end: async () => {
      const now = `systemctl start ${unit}.service; systemctl stop ${unit}.timer`
      try {
        await runOn(connection, now)
      } catch {
        // The connection is gone. Without an SSH server there is no other before the timer is through.
        await open.disconnect(node)
        await runOn(await open.connect(node, { bootDeadlineMs: (UNDO_S + 60) * 1000 }), `${now} 2>/dev/null || :`)
      }
    },
  }
}

async function runOn(connection: Connection, script: string, ...args: readonly string[]): Promise<void> {
  const { status, stderr } = await connection.exec({
    argv: ['sh', '-euc', script, 'chaos', ...args],
    timeoutMs: SCRIPT_MS,
  })
  if (status === 0) return
  throw new LabError('CHAOS_FAULT', `${connection.node} refuses: ${stderr.trim()}`, { where: connection.node })
}
