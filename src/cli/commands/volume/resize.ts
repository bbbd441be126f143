import { UsageError } from '../../../model/errors.ts'
import { size, type Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab volume resize` */
export const register: Register = (cli) => {
  cli
    .command('resize', {
      summary: 'change the most a volume may hold',
      more: 'At once, while it is written to. Less than it holds is an error that changes nothing.',
      examples: ['lab volume resize mongo-data 4GiB', 'lab volume resize mongo-data none   as much as its pool has'],
    })
    .argument('<volume>', 'the volume, or the app or service that has it')
    .argument('<size>', 'like 4GiB, or none', limit)
    .action((volume: string, bytes: number | undefined, options: CommonOptions) =>
      cli.session.work(options, {
        command: `volume resize ${volume}`,
        run: async (lab) => {
          const { resizeVolume } = await import('../../../workflows/resize-volume.ts')
          await resizeVolume(lab, volume, bytes)
        },
      }),
    )
}

function limit(text: string): number | undefined {
  if (text === 'none') return undefined
  try {
    return size(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(error.message, { hint: 'write a size like 4GiB, or: none' })
  }
}
