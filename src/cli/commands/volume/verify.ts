import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab volume verify` */
export const register: Register = (cli) => {
  cli
    .command('verify <volume>', {
      summary: 'read all of a volume, and compare its copies',
      more: 'Reads everything on the owner, and compares what other nodes have in common with it by a digest over names, contents, modes, owners, times and attributes.',
      examples: ['lab volume verify mongo-data'],
    })
    .action((volume: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `volume verify ${volume}`,
        run: async (lab) => {
          const { verifyVolume } = await import('../../../workflows/verify-volume.ts')
          await verifyVolume(lab, volume)
        },
      }),
    )
}
