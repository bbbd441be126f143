import type { FactQuery } from '../model/step.ts'

/** Where a node keeps images that it need not download. */
export const SEED_DIRECTORY = '/usr/share/lab/images'

/** Ids of the images in the node's archive, by tag; none where a node was not made from lab's image. */
export const seedImages: FactQuery<ReadonlyMap<string, string>> = {
  key: 'seed-images',
  script: `[ ! -r ${SEED_DIRECTORY}/seed.list ] || cat ${SEED_DIRECTORY}/seed.list`,
  parse: ({ stdout }) => {
    const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/))
    return new Map(lines.flatMap(([tag, id]) => (tag === undefined || id === undefined ? [] : [[tag, id] as const])))
  },
}
