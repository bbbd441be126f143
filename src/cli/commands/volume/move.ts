import { UsageError } from '../../../model/errors.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly toNode?: string
  readonly evacuate?: string
}

/** `lab volume move` */
export const register: Register = (cli) => {
  cli
    .command('move [volumes...]', {
      summary: 'move volumes with their services to another node',
      more: 'One after the other; one that fails does not stop the others. Services run on while their data is copied and stop for the last changes only. Interrupted, the same command finishes the move or undoes it.',
      examples: [
        'lab volume move mongo-data --to-node node3',
        'lab volume move mongo-data shop-db --to-node node3',
        'lab volume move --evacuate node2    all of node2 to the others, fewest volumes first',
      ],
    })
    .option('--to-node <node>', 'the worker they go to')
    .option('--evacuate <node>', 'every volume of this worker, to the others')
    .action((volumes: readonly string[], { toNode, evacuate: from, ...options }: Options) => {
      const words = from === undefined ? [...volumes, '--to-node', toNode ?? ''] : ['--evacuate', from]
      return cli.session.work(options, {
        command: ['volume move', ...words].join(' '),
        run: async (lab) => {
          const workflow = await import('../../../workflows/move-volumes.ts')
          if (from !== undefined) {
            if (volumes.length > 0 || toNode !== undefined) {
              throw new UsageError('--evacuate takes all volumes of its node, and chooses where they go', {
                hint: `lab volume move --evacuate ${from}`,
              })
            }
            await workflow.evacuate(lab, from)
            return
          }
          if (volumes.length === 0 || toNode === undefined) {
            throw new UsageError('which volumes, and where to?', { hint: 'lab volume move VOLUME... --to-node NODE' })
          }
          await workflow.moveVolumes(lab, volumes, toNode)
        },
      })
    })
}
