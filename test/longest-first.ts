import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take minutes: begun first, they do not run alone at the end. */
const LONG = [
  'volume-driver-zfs.node',
  'killed-fetch-steps.node',
  'volume-driver-btrfs.node',
  'killed-steps.node',
  'nodes-change',
  'move-volume-load',
  'halt',
  'leader-loss',
  'vagrant',
  'node-loss',
  'offline',
  'chaos',
]

/** The order of test files: the long ones first, the others as Vitest would have them. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex((name) => moduleId.includes(`/${name}.test.ts`))
      return found === -1 ? LONG.length : found
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
