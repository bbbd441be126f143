import { wholeNumber, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab scale` */
export const register: Register = (cli) => {
  cli
    .command('scale', {
      summary: 'run this many tasks of a service',
      more: 'Waits until they are healthy and found by name on every node.',
      examples: ['lab scale nodeapp 3', 'lab scale nodeapp 0   stop it; its data and name stay'],
    })
    .argument('<service>', 'name of the service')
    .argument('<replicas>', 'how many', wholeNumber('a number of replicas', 0, 10_000))
    .action((service: string, replicas: number, options: CommonOptions) =>
      cli.session.work(options, {
        command: `scale ${service} ${String(replicas)}`,
        run: async (lab) => {
          const { scale } = await import('../../workflows/scale.ts')
          await scale(lab, { service, replicas })
        },
      }),
    )
}
