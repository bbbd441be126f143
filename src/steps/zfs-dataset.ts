import { datasetState } from '../facts/dataset.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change, Step } from '../model/step.ts'

/** A ZFS filesystem, or none. */
export interface ZfsDatasetOptions {
  /** `pool/path/name`; the pool is there already, missing parents are made. */
  readonly name: string
  /**
   * Properties as `zfs set` takes them: `{ compression: 'on', quota: '2G', mountpoint: '/srv/data' }`. Sizes in bytes or
   * as zfs shows them. Those that are not named are left alone.
   */
  readonly properties?: Readonly<Record<string, string>>
  /** Removed with everything in it. Snapshots and datasets below it are an error. */
  readonly absent?: boolean
  /** Steps that make the pool: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/**
 * A ZFS filesystem with some of its properties. zfs has to be on the node, and its pool.
 * @example zfsDataset({ name: 'tank/data', properties: { compression: 'on', quota: '64M' } })
 * @throws USAGE: the name is that of a pool, or no name.
 * @throws FACT_UNAVAILABLE: zfs is not installed, or its daemon does not run.
 * @throws STEP_FAILED: there is no such pool, zfs has no such property, or what is to be removed has snapshots.
 */
export const zfsDataset = defineStep({
  kind: 'zfs-dataset',
  title: ({ name, absent }: ZfsDatasetOptions) => `${absent === true ? 'remove dataset' : 'dataset'} ${name}`,
  validate({ name, properties }) {
    if (!/^[A-Za-z][\w.:-]*(\/[\w.:-]+)+$/.test(name)) {
      throw new UsageError(`"${name}" is not a dataset: write pool/name`)
    }
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (!/^[a-z][a-z0-9:._-]*$/.test(key)) throw new UsageError(`${name}: "${key}" is not a property`)
      if (/[\n\t\0]/.test(value)) throw new UsageError(`${name}: the value of ${key} is one line`)
    }
  },
  facts: ({ name }) => ({ found: datasetState(name) }),
  diff({ name, properties, absent }, { found }) {
    if (absent === true) return found === undefined ? [] : [{ path: 'dataset', from: name, to: undefined }]
    if (found === undefined) return [{ path: 'dataset', from: undefined, to: name }]
    return Object.entries(properties ?? {}).flatMap(([path, to]): Change[] => {
      const values = found.get(path) ?? []
      return values.includes(to) ? [] : [{ path, from: values[0], to }]
    })
  },
  apply({ name, properties, absent }, changes) {
    if (absent === true) return [{ argv: ['zfs', 'destroy', name] }]
    if (changes.some(({ path }) => path === 'dataset')) {
      const options = Object.entries(properties ?? {}).flatMap(([key, value]) => ['-o', `${key}=${value}`])
      return [{ argv: ['zfs', 'create', '-p', ...options, name] }]
    }
    return changes.map(({ path, to }) => ({ argv: ['zfs', 'set', `${path}=${to ?? ''}`, name] }))
  },
  after: ({ after }) => after ?? [],
})
