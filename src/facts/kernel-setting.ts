import { familyQuery, type FactFamily, type FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** Where the kernel keeps a setting: `net.ipv4.ip_forward` is /proc/sys/net/ipv4/ip_forward. */
export function settingPath(name: string): string {
  // As in sysctl(8): with slashes between the parts, dots belong to a part (`net/ipv4/conf/eth0.5/forwarding`).
  return `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`
}

const family: FactFamily<string | null> = {
  name: 'kernel-setting',
  // Not the shell's own `read`: it asks for one character at a time, and the kernel tells a setting only in one piece.
  script: (names) => `head -v -n 1 -- ${quoteAll(names.map(settingPath))} 2>/dev/null`,
  parse({ stdout }, names) {
    const lines = stdout.split('\n')
    const valueOf = new Map(
      lines.flatMap((line, index): [string, string][] => {
        const path = /^==> (.*) <==$/.exec(line)?.[1]
        return path === undefined ? [] : [[path, (lines[index + 1] ?? '').trim().split(/\s+/).join(' ')]]
      }),
    )
    return new Map(names.map((name) => [name, valueOf.get(settingPath(name)) ?? null]))
  },
}

/** Live value of a kernel setting, parts separated by one space; null when this kernel has no such setting. */
export function kernelSetting(name: string): FactQuery<string | null> {
  return familyQuery(family, name)
}
