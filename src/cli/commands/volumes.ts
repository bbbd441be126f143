import type { Cli, Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab volumes`, which is `lab volume list` too. */
export const register: Register = (cli) => {
  cli
    .command('volumes', { summary: 'data volumes: what they hold and where', examples: ['lab volumes'] })
    .action(showVolumes(cli))
}

/** Prints every volume of the lab. */
export function showVolumes(cli: Cli) {
  return (options: CommonOptions) =>
    cli.session.query(
      options,
      async (lab) => (await import('../../workflows/volumes.ts')).volumesDocument(lab),
      async (document, screen) => (await import('../../reporters/volumes-view.ts')).renderVolumes(document, screen),
    )
}
