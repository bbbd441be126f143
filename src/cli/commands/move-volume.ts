import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab move-volume` */
export const register: Register = (cli) => {
  cli
    .command('move-volume <volume> <node>', {
      summary: "move a volume's data and service to a node",
      more: 'The service runs on while the data is copied; it stops for the last changes only. Interrupted, the same command finishes the move or undoes it.',
      examples: ['lab move-volume mongo node3'],
    })
    .action((volume: string, to: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `move-volume ${volume} ${to}`,
        resume: `"lab move-volume ${volume} ${to}" again finishes the move or undoes it`,
        run: async (lab) => {
          const { moveVolume } = await import('../../workflows/move-volume.ts')
          await moveVolume(lab, { volume, to })
        },
      }),
    )
}
