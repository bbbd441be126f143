import { access, readFile } from 'node:fs/promises'
import { release } from 'node:os'

/** What the host's kernel says of itself, as text; nodes share it. */
export interface KernelFacts {
  /** /proc/filesystems */
  readonly filesystems: string
  /** modules.builtin and modules.dep of the running kernel, one after the other. */
  readonly modules: string
  /** /proc/kallsyms, for kernels that come without a directory of modules. */
  readonly symbols: string
}

/** What lab needs of the kernel, and the module that brings it. */
export const KERNEL_FEATURES = {
  overlay: "the engines' images",
  vxlan: 'the overlay network',
  bridge: 'networks of containers',
  br_netfilter: 'published ports on bridges',
  veth: 'networks of containers',
  loop: 'the pool of the volumes',
} as const
export type KernelFeature = keyof typeof KERNEL_FEATURES

/** A symbol every build of the feature has. */
const SYMBOLS: Readonly<Record<KernelFeature, string>> = {
  overlay: 'ovl_fill_super',
  vxlan: 'vxlan_xmit',
  bridge: 'br_add_if',
  br_netfilter: 'br_nf_pre_routing',
  veth: 'veth_xmit',
  loop: 'loop_control_ioctl',
}

/** Pure: features the kernel has neither built in nor as a module. */
export function missingFeatures(facts: KernelFacts): readonly KernelFeature[] {
  return (Object.keys(KERNEL_FEATURES) as KernelFeature[]).filter(
    (feature) => !hasModule(facts, feature) && !facts.symbols.includes(` ${SYMBOLS[feature]}`),
  )
}

/** Pure: the filesystem volumes would be kept on. */
export function poolFilesystem(facts: KernelFacts): 'btrfs' | 'zfs' | 'zfs-fuse' | undefined {
  const has = (name: string) => new RegExp(`\\t${name}$`, 'm').test(facts.filesystems) || hasModule(facts, name)
  if (has('btrfs')) return 'btrfs'
  if (has('zfs')) return 'zfs'
  return has('fuse') ? 'zfs-fuse' : undefined
}

/** Reads the facts; undefined where the kernel is not this host's own (the engine runs in a virtual machine). */
export async function readKernelFacts(): Promise<KernelFacts | undefined> {
  if (process.platform !== 'linux') return undefined
  const read = (file: string) => readFile(file, 'utf8').catch(() => '')
  const directory = `/lib/modules/${release()}`
  const [filesystems, builtin, loadable, loaded] = await Promise.all([
    read('/proc/filesystems'),
    read(`${directory}/modules.builtin`),
    read(`${directory}/modules.dep`),
    read('/proc/modules'),
  ])
  const inUse = [...loaded.matchAll(/^(\S+) /gm)].map((match) => `kernel/${match[1] ?? ''}.ko:`)
  const modules = [builtin, loadable, ...inUse].join('\n')
  const hasModules = await access(`${directory}/modules.dep`).then(
    () => true,
    () => false,
  )
  return { filesystems, modules, symbols: hasModules ? '' : await read('/proc/kallsyms') }
}

function hasModule({ modules }: KernelFacts, name: string): boolean {
  return new RegExp(`(^|/)${name.replace('_', '[_-]')}\\.ko`, 'm').test(modules)
}
