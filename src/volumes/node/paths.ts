import { NODE_PATHS } from '../../model/names.ts'

/** Scripts and files that volumes need on every worker. Playbooks install them; the layer above calls the scripts. */
export const VOLUME_PATHS = {
  /** Forced command of the transfer key. */
  receive: '/usr/local/lib/lab/volume-receive',
  /** Sends snapshots to other nodes, as a transient unit. */
  send: '/usr/local/lib/lab/volume-send',
  /** Carries what is sent, where ssh does not. */
  stream: '/usr/local/lib/lab/volume-stream',
  /** Leases, fences and the bind mounts that follow from them. */
  serve: '/usr/local/lib/lab/volume-serve',
  /** The part of a driver that nodes need without lab. */
  driver: '/usr/local/lib/lab/volume-driver',
  /** Replicas and scheduled snapshots, as the orders of a volume say. */
  tend: '/usr/local/lib/lab/volume-tend',
  tendUnit: '/etc/systemd/system/lab-volume-tend@.service',
  /** Configuration of ssh between nodes; 0700, as the key is in it. */
  transfer: '/etc/lab/transfer',
  transferConfig: '/etc/lab/transfer/config',
  transferKey: '/etc/lab/transfer/id_ed25519',
  transferKnownHosts: '/etc/lab/transfer/known_hosts',
  /** There when all nodes are on one machine: streams go beside ssh, not through it. */
  transferBeside: '/etc/lab/transfer/beside',
  /** Names of the managers, one a line: who is asked which node owns a volume. */
  managers: '/etc/lab/transfer/managers',
  leases: NODE_PATHS.leases,
  /** One file a volume: the highest epoch this node was told to give up. A lease must be newer. */
  fences: `${NODE_PATHS.state}/fences`,
  /** One file a volume that this node tends while it has the lease: replicas, schedules, hooks. */
  orders: `${NODE_PATHS.state}/orders`,
  /** One directory a volume: what came of its orders. */
  tended: `${NODE_PATHS.state}/tended`,
  /** One file a volume: its last replica that arrived here, and when that began by this node's own clock. */
  arrived: `${NODE_PATHS.state}/arrived`,
  /** Locks of rounds, and moves they wait for. */
  tending: `${NODE_PATHS.run}/tending`,
  /** State of transfers that run or have run since boot. */
  transfers: `${NODE_PATHS.run}/transfers`,
  /** One file a node: how fast the last transfer of some size went there, since boot. */
  pace: `${NODE_PATHS.run}/pace`,
  locks: `${NODE_PATHS.run}/locks`,
} as const

/** Start of every script: strict, in the C locale, with one way to check a name and one way to fail. */
export const PREAMBLE = String.raw`set -u -o pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
me=$(basename "$0")
fail() { printf '%s: %s\n' "$me" "$1" >&2; exit "$2"; }
name() { [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] || fail "not a name: $1" 64; }
number() { [[ $1 =~ ^[0-9]{1,15}$ ]] || fail "not a number: $1" 64; }
# Milliseconds that no clock can change.
ticks() { local up; read -r up _ </proc/uptime; echo "\${up/./}0"; }
put() { printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"; }
arguments() { [ "$1" -eq "$2" ] || fail 'wrong number of arguments' 64; }
`.replaceAll('\\${', '${')

/** Exit status of the serving script for an epoch it does not accept; the same as `EX_NOPERM`. */
export const FENCED = 77
/** Exit status of the scripts when something is in use; the same as `EX_TEMPFAIL`. */
export const BUSY = 75
