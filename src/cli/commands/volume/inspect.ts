import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab volume inspect` */
export const register: Register = (cli) => {
  cli
    .command('inspect <volume>', {
      summary: 'everything about one volume',
      more: 'Owner, size and limit, snapshots, who uses it, and what other nodes have of it.',
      examples: ['lab volume inspect mongo-data', 'lab volume inspect mongo --json | jq .copies'],
    })
    .action((volume: string, options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../../workflows/inspect-volume.ts')).volumeDocument(lab, volume),
        async (document, screen) => (await import('../../../reporters/volume-view.ts')).renderVolume(document, screen),
      ),
    )
}
