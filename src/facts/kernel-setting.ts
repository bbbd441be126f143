import { familyQuery, type FactFamily, type FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** Where the kernel keeps a setting: `net.ipv4.ip_forward` is /proc/sys/net/ipv4/ip_forward. */
export function settingPath(name: string): string {
  // As in sysctl(8): with slashes between the parts, dots belong to a part (`net/ipv4/conf/eth0.5/forwarding`).
  return `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`
}

const family: FactFamily<string | null> = {
  name: 'kernel-setting',
  script: (names) => `for p in ${quoteAll(names.map(settingPath))}; do
  v=; if IFS= read -r v <"$p"; then printf '=%s\\n' "$v"; else echo; fi
done 2>/dev/null`,
  parse(output, names) {
    const lines = output.stdout.split('\n')
    return new Map(
      names.map((name, index) => {
        const line = lines[index] ?? ''
        return [name, line.startsWith('=') ? line.slice(1).split(/\s+/).join(' ').trim() : null]
      }),
    )
  },
}

/** Live value of a kernel setting, parts separated by one space; null when this kernel has no such setting. */
export function kernelSetting(name: string): FactQuery<string | null> {
  return familyQuery(family, name)
}
