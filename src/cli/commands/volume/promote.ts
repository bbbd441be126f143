import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface PromoteOptions extends CommonOptions {
  readonly acceptLoss?: boolean
  readonly fenced?: boolean
}

/** `lab volume promote` */
export const register: Register = (cli) => {
  cli
    .command('promote <volume> <node>', {
      summary: "make a replica the volume, when its owner's node is dead",
      more: 'The dead node is powered off first. What it wrote after the replica is not in it; when the node is back, its copy is kept read-only. Interrupted, the same command finishes it.',
      examples: ['lab volume promote mongo node2 --accept-loss'],
    })
    .option('--accept-loss', 'go on although the last writes may be missing')
    .option('--fenced', 'the dead node is surely off: do not power it off')
    .action((volume: string, to: string, options: PromoteOptions) =>
      cli.session.work(options, {
        command: `volume promote ${volume} ${to}`,
        resume: `"${cli.session.typed()}" again finishes it`,
        run: async (lab) => {
          const { promoteVolume } = await import('../../../workflows/promote-volume.ts')
          const { acceptLoss = false, fenced = false } = options
          await promoteVolume(lab, { volume, to, acceptLoss, fenced })
        },
      }),
    )
}
