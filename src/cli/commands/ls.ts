import { screenOf } from '../io.ts'
import type { Register } from '../program.ts'

/** `lab ls` */
export const register: Register = (cli) => {
  cli
    .command('ls', {
      summary: 'the labs on this host',
      more: 'Of every directory, by the labels of their nodes; works from anywhere.',
      labless: true,
      examples: ['lab ls', 'lab ls --json | jq -r .labs[].directory'],
    })
    .action(async (options: { readonly json?: true }) => {
      const { labsDocument } = await import('../../workflows/labs.ts')
      const document = await labsDocument()
      if (options.json) {
        cli.io.out(JSON.stringify(document))
        return
      }
      const { renderLabs } = await import('../../reporters/labs-view.ts')
      renderLabs(document, screenOf(cli.io.stdout, cli.io.env)).forEach(cli.io.out)
    })
}
