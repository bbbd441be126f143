import { readFile, stat } from 'node:fs/promises'
import { freemem, totalmem } from 'node:os'
import { findProduct } from '../config/product.ts'
import type { Check } from '../model/check.ts'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import { dockerHostChecks } from '../providers/docker/host-checks.ts'
import { nextFreePort } from '../providers/docker/machine.ts'
import { rootPrefix } from '../providers/docker/host-root.ts'
import { vagrantHostChecks } from '../providers/vagrant/host-checks.ts'
import { labChecks } from './lab-checks.ts'

const MIB = 2 ** 20
/** An idle node with its engine, and what one of the sample's services adds. */
const MEMORY_PER_NODE = 256 * MIB
const MEMORY_BESIDES = 256 * MIB

/**
 * Looks at each thing the host must have, for the lab in this directory or, where there is none, for the classic one;
 * of a lab that is up, at its nodes, managers, edges, names, pools and certificates too.
 * Changes nothing and needs no lab to exist.
 */
export async function doctor(options: {
  readonly lab?: LabIdentity | undefined
  readonly spec?: LabSpec | undefined
}): Promise<readonly Check[]> {
  const nodes = options.spec?.nodes.length ?? 4
  // Nodes that run elsewhere take nothing from this machine.
  const here = options.spec?.provider !== 'ssh'
  const checks = await Promise.all([
    privileges(),
    here ? memory(nodes) : [],
    clock(),
    options.spec === undefined || options.spec.provider === 'docker'
      ? dockerHostChecks({ id: options.lab?.id ?? 'lab', nodes, subnet: options.spec?.subnet ?? 'auto' })
      : options.spec.provider === 'vagrant'
        ? vagrantHostChecks(options.lab?.directory ?? process.cwd())
        : Promise.resolve([]),
    here ? edgePort(options.spec?.edge.port ?? 8080) : [],
    options.lab === undefined || options.spec === undefined ? [] : labChecks(options.lab, options.spec),
  ])
  return [nodeVersion(process.versions.node), ...checks.flat()]
}

/** Pure: whether lab runs on this version of Node.js. */
export function nodeVersion(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const ok = major > 20 || (major === 20 && minor >= 12)
  return { name: 'node', ok, detail: `Node.js ${version}`, ...(ok ? {} : { hint: 'install Node.js 20.12 or newer' }) }
}

/** Being root is never needed in itself: only for what is missing. */
async function privileges(): Promise<Check> {
  const root = await rootPrefix()
  const detail = root === undefined ? 'an ordinary user' : root.length === 0 ? 'root' : 'sudo without a password'
  return { name: 'user', ok: true, detail }
}

async function memory(nodes: number): Promise<Check> {
  const needed = MEMORY_BESIDES + nodes * MEMORY_PER_NODE
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const available = availableMemory(meminfo) ?? freemem()
  const detail = `${mib(available)} of ${mib(totalmem())} available, ${String(nodes)} nodes want ${mib(needed)}`
  if (available >= needed) return { name: 'memory', ok: true, detail }
  return { name: 'memory', ok: false, detail, hint: 'close what you can do without, or list fewer nodes in lab.yml' }
}

/** Pure: bytes that can be had without swapping, from /proc/meminfo. */
export function availableMemory(meminfo: string): number | undefined {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}

/** Certificates are made with this clock: one that stands before lab itself was installed is wrong. */
async function clock(): Promise<Check> {
  const installed = (await stat(`${findProduct().directory}/package.json`)).mtime
  const now = new Date()
  const ok = now.getTime() + 60_000 >= installed.getTime()
  const detail = now.toISOString()
  return { name: 'clock', ok, detail, ...(ok ? {} : { hint: 'set the time: sudo timedatectl set-ntp true' }) }
}

async function edgePort(wished: number): Promise<Check> {
  const port = await nextFreePort(wished)
  const detail =
    port === wished
      ? `127.0.0.1:${String(wished)} is free`
      : `127.0.0.1:${String(wished)} is in use (by this lab, perhaps); a new lab takes ${String(port)}`
  return { name: 'port', ok: true, detail }
}

function mib(bytes: number): string {
  return `${String(Math.round(bytes / MIB))} MiB`
}
