import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab dns` */
export const register: Register = (cli) => {
  cli
    .command('dns', { summary: 'names on each node against the tasks that run', examples: ['lab dns'] })
    .action((options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../workflows/dns.ts')).dnsDocument(lab),
        async (document, screen) => (await import('../../reporters/dns-view.ts')).renderDns(document, screen),
      ),
    )
}
