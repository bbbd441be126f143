import { UsageError } from '../../../model/errors.ts'
import { pause, type Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly toNode?: string
  readonly evacuate?: string
  readonly maxPause?: number
  readonly check?: true
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
        'lab volume move mongo-data --to-node node3 --max-pause 2s   or not at all',
        'lab volume move mongo-data --to-node node3 --check   how much to send, and for how long away',
        'lab volume move --evacuate node2    all of node2 to the others, fewest volumes first',
      ],
    })
    .option('--to-node <node>', 'the worker they go to')
    .option('--evacuate <node>', 'every volume of this worker, to the others')
    .option('--max-pause <time>', 'do not stop a service where it would be away for longer, like 2s', pause)
    .option('--check', 'change nothing: say how much would be sent, and for how long services would be away')
    .action((volumes: readonly string[], { toNode, evacuate: from, maxPause, check, ...options }: Options) => {
      const words = from === undefined ? [...volumes, '--to-node', toNode ?? ''] : ['--evacuate', from]
      return cli.session.work(options, {
        command: ['volume move', ...words, ...(check ? ['--check'] : [])].join(' '),
        run: async (lab) => {
          const workflow = await import('../../../workflows/move-volumes.ts')
          if (from !== undefined) {
            if (volumes.length > 0 || toNode !== undefined) {
              throw new UsageError('--evacuate takes all volumes of its node, and chooses where they go', {
                hint: `lab volume move --evacuate ${from}`,
              })
            }
            await workflow.evacuate(lab, from, { maxPauseMs: maxPause, check: check === true })
            return
          }
          if (volumes.length === 0 || toNode === undefined) {
            throw new UsageError('which volumes, and where to?', { hint: 'lab volume move VOLUME... --to-node NODE' })
          }
          await workflow.moveVolumes(lab, volumes, toNode, { maxPauseMs: maxPause, check: check === true })
        },
      })
    })
}
