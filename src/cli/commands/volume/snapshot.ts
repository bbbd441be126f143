import { UsageError } from '../../../model/errors.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly delete?: string
}

/** `lab volume snapshot` */
export const register: Register = (cli) => {
  cli
    .command('snapshot <volume> [snapshot]', {
      summary: 'take a snapshot, or delete one',
      more: 'Of one moment, while it is written to: what a database finds in it is what a crash of its machine would have left. It takes room only as the volume changes.',
      examples: [
        'lab volume snapshot mongo-data                     named after the time',
        'lab volume snapshot mongo-data before-upgrade',
        'lab volume snapshot mongo-data --delete before-upgrade',
      ],
    })
    .option('--delete <snapshot>', 'delete this snapshot, on every node that has it')
    .action((volume: string, snapshot: string | undefined, { delete: old, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume snapshot ${volume}`,
        run: async (lab) => {
          if (old !== undefined && snapshot !== undefined) {
            throw new UsageError('take a snapshot or delete one: not both at once')
          }
          const workflow = await import('../../../workflows/volume-snapshots.ts')
          if (old === undefined) await workflow.takeSnapshot(lab, volume, snapshot)
          else await workflow.deleteSnapshot(lab, volume, old)
        },
      }),
    )
}
