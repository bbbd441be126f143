import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab volumes` */
export const register: Register = (cli) => {
  cli
    .command('volumes', { summary: 'data volumes: what they hold and where', examples: ['lab volumes'] })
    .action((options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../workflows/volumes.ts')).volumesDocument(lab),
        async (document, screen) => (await import('../../reporters/volumes-view.ts')).renderVolumes(document, screen),
      ),
    )
}
