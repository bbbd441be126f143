import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab snapshot save` */
export const register: Register = (cli) => {
  cli
    .command('save <name>', {
      summary: 'save every node with all it holds',
      more: 'The nodes are shut down for it and started again: apps are away for about as long as "lab halt" and "lab up" take. Interrupted, it leaves no snapshot.',
      examples: ['lab snapshot save before-the-upgrade'],
    })
    .action((name: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `snapshot save ${name}`,
        resume: `no snapshot was saved; "${cli.session.typed()}" starts anew`,
        run: async (lab) => {
          const { saveSnapshot } = await import('../../../workflows/snapshot.ts')
          await saveSnapshot(lab, name)
        },
      }),
    )
}
