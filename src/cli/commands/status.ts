import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab status` */
export const register: Register = (cli) => {
  cli
    .command('status', {
      summary: 'nodes, services with their tasks, volumes',
      examples: ['lab status', 'lab status --json | jq .edge'],
    })
    .action((options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../workflows/status.ts')).statusDocument(lab),
        async (document, screen) => (await import('../../reporters/status-view.ts')).renderStatus(document, screen),
      ),
    )
}
