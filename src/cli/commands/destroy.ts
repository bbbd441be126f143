import { confirmed } from '../confirm.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly yes?: true
  readonly images?: true
  readonly snapshots?: true
}

/** `lab destroy` */
export const register: Register = (cli) => {
  cli
    .command('destroy', {
      summary: 'remove the nodes with all their data',
      more: 'Asks first. Downloaded and built images stay for the next lab, and snapshots of the lab for "lab snapshot restore".',
      examples: [
        'lab destroy',
        'lab destroy --yes               do not ask',
        'lab destroy --yes --images      remove the downloaded and built images too',
        'lab destroy --yes --snapshots   remove the snapshots of this lab too',
      ],
    })
    .option('-y, --yes', 'do not ask')
    .option('--images', 'remove downloaded and built images too')
    .option('--snapshots', 'remove the snapshots of this lab too')
    .action(({ yes, images, snapshots, ...options }: Options) =>
      cli.session.work(options, {
        command: 'destroy',
        record: 'none',
        run: async (lab) => {
          const nodes = lab.spec.nodes.map(({ name }) => name).join(', ')
          const all = snapshots ? 'all their data and every snapshot' : 'all their data'
          const question = {
            text: `Remove ${nodes} of "${lab.lab.name}" with ${all}?`,
            refused: 'nothing was removed',
            command: 'destroy',
            without: `${cli.session.typed()} --yes`,
          }
          if (!yes && !(await confirmed(lab, cli.io, options.json ?? false, question))) return
          const { destroy } = await import('../../workflows/destroy.ts')
          await destroy(lab, { images: images ?? false, snapshots: snapshots ?? false })
        },
      }),
    )
}
