import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'

/** What a node's container may do. Either way it is root on this host's kernel: nodes run systemd and engines. */
export type Privileges = Pick<
  Docker.HostConfig,
  'Privileged' | 'CapAdd' | 'CapDrop' | 'SecurityOpt' | 'MaskedPaths' | 'ReadonlyPaths' | 'DeviceCgroupRules'
>

/** Bits of capabilities(7), for those a host or the container it is may lack. */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
] as const

/** Without these there is no node: no mounts, no networks, no device nodes. */
export const NEEDED_CAPABILITIES = ['SYS_ADMIN', 'NET_ADMIN', 'MKNOD'] as const

/** `--privileged`, or where the host lacks a capability (the engine then refuses that) its equivalent without it. */
export function nodePrivileges(missing: readonly string[]): Privileges {
  if (missing.length === 0) return { Privileged: true }
  return {
    CapAdd: ['ALL'],
    CapDrop: [...missing],
    SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    // What the `docker` command calls systempaths=unconfined.
    MaskedPaths: [],
    ReadonlyPaths: [],
    DeviceCgroupRules: ['a *:* rwm'],
  }
}

/**
 * Creates a container that has {@link nodePrivileges}. Engines from 23 up hand out what there is and nothing else, and
 * refuse to be told to take away what they do not have.
 */
export async function createPrivileged(
  engine: Docker,
  options: Docker.ContainerCreateOptions,
): Promise<Docker.Container> {
  try {
    return await engine.createContainer(options)
  } catch (error) {
    if (!/invalid CapDrop/i.test(engineMessage(error))) throw error
    return engine.createContainer({ ...options, HostConfig: { ...options.HostConfig, CapDrop: [] } })
  }
}

/** Capabilities the engine's process can hand out to nobody, read from its bounding set; none off Linux. */
export async function missingCapabilities(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return []
  const pid = (await readFile('/var/run/docker.pid', 'utf8').catch(() => '')).trim()
  const status = await readFile(`/proc/${/^\d+$/.test(pid) ? pid : 'self'}/status`, 'utf8').catch(() => '')
  return absentCapabilities(status)
}

/** Pure: what the `CapBnd` line of a /proc/<pid>/status lacks. */
export function absentCapabilities(status: string): readonly string[] {
  const set = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  if (set === undefined) return []
  const bits = BigInt(`0x${set}`)
  return CAPABILITIES.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 0n)
}
