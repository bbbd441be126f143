import { pause, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly maxPause?: number
  readonly check?: true
}

/** `lab move-volume` */
export const register: Register = (cli) => {
  cli
    .command('move-volume <volume> <node>', {
      summary: "move a volume's data and service to a node",
      more: 'The service runs on while the data is copied; it stops for the last changes only. Interrupted, the same command finishes the move or undoes it.',
      examples: [
        'lab move-volume mongo node3',
        'lab move-volume mongo node3 --max-pause 2s   or not at all',
        'lab move-volume mongo node3 --check   how much to send, and for how long away',
      ],
    })
    .option('--max-pause <time>', 'do not stop the service where it would be away for longer, like 2s', pause)
    .option('--check', 'change nothing: say how much would be sent, and for how long the service would be away')
    .action((volume: string, to: string, { maxPause: maxPauseMs, check, ...options }: Options) => {
      const command = `move-volume ${volume} ${to}`
      if (check) {
        return cli.session.work(options, {
          command: `${command} --check`,
          run: async (lab) => {
            const { predictMove } = await import('../../workflows/check-move.ts')
            await predictMove(lab, { volume, to, maxPauseMs })
          },
        })
      }
      return cli.session.work(options, {
        command,
        resume: `"${cli.session.typed()}" again finishes the move or undoes it`,
        run: async (lab) => {
          const { moveVolume } = await import('../../workflows/move-volume.ts')
          await moveVolume(lab, { volume, to, maxPauseMs })
        },
      })
    })
}
