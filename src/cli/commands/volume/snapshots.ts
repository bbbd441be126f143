import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab volume snapshots` */
export const register: Register = (cli) => {
  cli
    .command('snapshots <volume>', {
      summary: 'list the snapshots of a volume',
      examples: ['lab volume snapshots mongo-data'],
    })
    .action((volume: string, options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../../workflows/volume-snapshots.ts')).snapshotsDocument(lab, volume),
        async (document, screen) =>
          (await import('../../../reporters/volume-view.ts')).renderSnapshots(document, screen),
      ),
    )
}
