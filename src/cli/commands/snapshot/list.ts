import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab snapshot list` */
export const register: Register = (cli) => {
  cli
    .command('list', { summary: 'what is saved, when, and the room it takes', examples: ['lab snapshot list'] })
    .action((options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../../workflows/snapshot.ts')).snapshotsDocument(lab),
        async (document, screen) =>
          (await import('../../../reporters/snapshots-view.ts')).renderSnapshots(document, screen),
      ),
    )
}
