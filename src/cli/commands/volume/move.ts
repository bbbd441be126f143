import { UsageError } from '../../../model/errors.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly toNode?: string
  readonly evacuate?: string
  readonly maxPause?: number
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
        'lab volume move --evacuate node2    all of node2 to the others, fewest volumes first',
      ],
    })
    .option('--to-node <node>', 'the worker they go to')
    .option('--evacuate <node>', 'every volume of this worker, to the others')
    .option('--max-pause <time>', 'do not stop a service where it would be away for longer, like 2s', pause)
    .action((volumes: readonly string[], { toNode, evacuate: from, maxPause, ...options }: Options) => {
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
            await workflow.evacuate(lab, from, maxPause)
            return
          }
          if (volumes.length === 0 || toNode === undefined) {
            throw new UsageError('which volumes, and where to?', { hint: 'lab volume move VOLUME... --to-node NODE' })
          }
          await workflow.moveVolumes(lab, volumes, toNode, maxPause)
        },
      })
    })
}

/** Reads `2s`, `1.5s` or `1500ms` into milliseconds. */
function pause(text: string): number {
  const [, count, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(text) ?? []
  if (count === undefined) throw new UsageError(`"${text}" is not a pause: write it like 2s or 1500ms`)
  return Math.round(Number(count) * (unit === 's' ? 1000 : 1))
}
