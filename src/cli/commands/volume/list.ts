import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab volume list` */
export const register: Register = (cli) => {
  cli
    .command('list', { summary: 'volumes: what they hold and where', examples: ['lab volume list'] })
    .action((options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../../workflows/volumes.ts')).volumesDocument(lab),
        async (document, screen) =>
          (await import('../../../reporters/volumes-view.ts')).renderVolumes(document, screen),
      ),
    )
}
