import { readFile, statfs } from 'node:fs/promises'
import type Docker from 'dockerode'
import { overlaps } from '../../model/addresses.ts'
import type { Check } from '../../model/check.ts'
import { toLabError } from '../../model/errors.ts'
import { LABELS } from '../../model/names.ts'
import { engineAddress, openEngine } from './engine.ts'
import { answers, canProvideEngine, hasCgroups } from './host-engine.ts'
import { checkEngine, describeLimits, labSizes, lowLimits, nodesText, raiseCommand, readLimits } from './host-limits.ts'
import { hostSubnets } from './host-networks.ts'
import { KERNEL_FEATURES, missingFeatures, poolFilesystem, readKernelFacts } from './kernel.ts'
import { subnetCandidates } from './subnet-candidates.ts'
import { missingCapabilities, NEEDED_CAPABILITIES } from './privileges.ts'

const GIB = 2 ** 30
/** Images of lab and of the sample apps, in the host's engine and in those of four nodes. */
const DISK_NEEDED = 8 * GIB

/** What the checks are about: a lab that may not exist yet. */
export interface CheckedLab {
  readonly id: string
  readonly nodes: number
  /** As in lab.yml: a CIDR or `auto`. */
  readonly subnet: string
}

/** Looks at everything the docker provider needs of this host. Changes nothing. */
export async function dockerHostChecks(lab: CheckedLab): Promise<readonly Check[]> {
  const [engine, ...host] = await Promise.all([checkHostEngine(), capabilities(), cgroups(), kernel(), volumes()])
  const rest =
    engine.client === undefined
      ? []
      : await Promise.all([limits(engine.client, lab), subnet(engine.client, lab), disk(engine.client)])
  return [engine.check, ...host.flat(), ...rest.flat()]
}

async function checkHostEngine(): Promise<{ readonly check: Check; readonly client?: Docker }> {
  const name = 'engine'
  try {
    const address = await engineAddress()
    const client = openEngine(address)
    if (await answers(client, address)) {
      await checkEngine(client)
      const [{ Version }, info] = await Promise.all([client.version(), client.info() as Promise<{ Driver?: string }>])
      return { check: { name, ok: true, detail: `Docker ${Version}, ${info.Driver ?? '?'}, ${address.url}` }, client }
    }
    const able = !address.chosen && (await canProvideEngine())
    const detail = `none answers at ${address.url}`
    return {
      check: able
        ? { name, ok: true, detail: `${detail}; "lab up" installs and starts it` }
        : {
            name,
            ok: false,
            detail,
            hint: 'install Docker Engine and start it, or run lab as root on Debian or Ubuntu',
          },
    }
  } catch (error) {
    const { message, hint } = toLabError(error)
    return { check: { name, ok: false, detail: message, ...(hint === undefined ? {} : { hint }) } }
  }
}

async function capabilities(): Promise<readonly Check[]> {
  const name = 'capabilities'
  const missing = await missingCapabilities()
  const needed = NEEDED_CAPABILITIES.filter((capability) => missing.includes(capability))
  if (needed.length > 0) {
    const hint = 'run the engine as root of the machine, not in an unprivileged container'
    return [{ name, ok: false, detail: `the engine lacks ${needed.join(', ')}`, hint }]
  }
  const granted = missing.length === 0 ? 'all' : `all but ${missing.join(', ')}, which nodes do without`
  return [{ name, ok: true, detail: `${granted} (root in a node can do to this kernel what root here can)` }]
}

async function cgroups(): Promise<readonly Check[]> {
  if (process.platform !== 'linux') return []
  const name = 'cgroups'
  const mounts = await readFile('/proc/mounts', 'utf8')
  if (!hasCgroups(mounts)) {
    return [
      { name, ok: false, detail: 'not mounted', hint: 'sudo apt-get install cgroupfs-mount, sudo cgroupfs-mount' },
    ]
  }
  const version = /^\S+ \/sys\/fs\/cgroup cgroup2 /m.test(mounts) ? 'version 2' : 'version 1'
  return [{ name, ok: true, detail: version }]
}

async function kernel(): Promise<readonly Check[]> {
  const facts = await readKernelFacts()
  if (facts === undefined) return []
  const missing = missingFeatures(facts)
  const name = 'kernel'
  if (missing.length === 0) return [{ name, ok: true, detail: Object.keys(KERNEL_FEATURES).join(', ') }]
  const detail = missing.map((feature) => `no ${feature} (needed for ${KERNEL_FEATURES[feature]})`).join(', ')
  return [
    { name, ok: false, detail, hint: "install the distribution's full kernel (linux-image-amd64, linux-generic)" },
  ]
}

async function volumes(): Promise<readonly Check[]> {
  const facts = await readKernelFacts()
  if (facts === undefined) return []
  const filesystem = poolFilesystem(facts)
  if (filesystem !== undefined) return [{ name: 'volumes', ok: true, detail: `kept on ${filesystem}` }]
  const hint = "install the distribution's full kernel (linux-image-amd64, linux-generic)"
  return [{ name: 'volumes', ok: false, detail: 'the kernel has neither btrfs, zfs nor fuse', hint }]
}

async function limits(engine: Docker, lab: CheckedLab): Promise<readonly Check[]> {
  const name = 'limits'
  const labs = await labSizes(engine, lab.id, lab.nodes)
  const known = await readLimits()
  // Where the engine runs in a virtual machine its kernel is not the one here.
  if ([...known.values()].every((limit) => limit === undefined)) return []
  const low = lowLimits(labs, known)
  if (low.length === 0)
    return [{ name, ok: true, detail: `inotify, keys, processes, files and neighbours suffice for ${nodesText(labs)}` }]
  const detail = `${describeLimits(low)}, for ${nodesText(labs)}`
  if (process.getuid?.() === 0) return [{ name, ok: true, detail: `${detail}; "lab up" raises it` }]
  return [{ name, ok: false, detail, hint: `sudo ${raiseCommand(low)}` }]
}

async function subnet(engine: Docker, lab: CheckedLab): Promise<readonly Check[]> {
  const name = 'subnet'
  const networks = await engine.listNetworks({ filters: { label: [`${LABELS.lab}=${lab.id}`] } })
  const own = networks.find(({ Name }) => Name === lab.id)
  if (own !== undefined)
    return [{ name, ok: true, detail: `${own.Labels?.[LABELS.subnet] ?? own.Name}, the lab's own` }]
  const taken = await hostSubnets(engine)
  const candidates = lab.subnet === 'auto' ? subnetCandidates(lab.id, lab.nodes) : [lab.subnet]
  const free = candidates.find((candidate) => !taken.some((each) => overlaps(candidate, each)))
  if (free !== undefined) return [{ name, ok: true, detail: `${free} is free` }]
  const inTheWay = taken.filter((each) => candidates.some((candidate) => overlaps(candidate, each)))
  return [
    {
      name,
      ok: false,
      detail: `none is free; in use: ${inTheWay.join(', ')}`,
      hint: 'name one in lab.yml that nothing on this host uses, like subnet: 192.168.203.0/24',
    },
  ]
}

async function disk(engine: Docker): Promise<readonly Check[]> {
  const { DockerRootDir } = (await engine.info()) as { readonly DockerRootDir: string }
  // Where the engine runs in a virtual machine its directory is not here.
  const stats = await statfs(DockerRootDir).catch(() => undefined)
  if (stats === undefined) return []
  const free = stats.bavail * stats.bsize
  const detail = `${String(Math.round(free / GIB))} GiB free on ${DockerRootDir}`
  if (free >= DISK_NEEDED) return [{ name: 'disk', ok: true, detail }]
  return [{ name: 'disk', ok: false, detail, hint: `free ${String(DISK_NEEDED / GIB)} GiB: docker system df` }]
}
