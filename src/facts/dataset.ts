import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'

/** A ZFS dataset: each property as people write it and as a number, or undefined when there is none of this name. */
export type DatasetState = ReadonlyMap<string, readonly string[]> | undefined

const NO_ZFS = 69

/** A ZFS dataset's properties; with `zfs-fuse`, its daemon has to run. */
export function datasetState(name: string): FactQuery<DatasetState> {
  return {
    key: `dataset ${name}`,
    script: `command -v zfs >/dev/null || exit ${String(NO_ZFS)}
export LC_ALL=C
zpool list -H -o name >/dev/null || exit
zfs get -H -o property,value all ${quote(name)} && zfs get -Hp -o property,value all ${quote(name)}`,
    parse({ status, stdout, stderr }) {
      if (status === NO_ZFS) throw new FactUnavailable('zfs is not installed: a step before it is to install it')
      if (status !== 0 && stderr.includes('does not exist')) return undefined
      if (status !== 0) throw new FactUnavailable(`zfs does not answer: ${stderr.trim()}`)
      const found = new Map<string, string[]>()
      for (const line of stdout.split('\n')) {
        const [property = '', value = ''] = line.split('\t')
        if (property === '') continue
        const values = found.get(property) ?? []
        if (!values.includes(value)) values.push(value)
        found.set(property, values)
      }
      return found
    },
  }
}
