import { size, type Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly on?: string
  readonly limit?: number
}

/** `lab volume create` */
export const register: Register = (cli) => {
  cli
    .command('create', {
      summary: 'make an empty volume',
      more: 'An app uses it by its name: volumes: { data: { external: true, name: NAME } }. Volumes that a compose.yml names otherwise are made by lab deploy.',
      examples: [
        'lab volume create scratch',
        'lab volume create scratch --on node2 --limit 10GiB   on this worker; writing more fails',
      ],
    })
    .argument('<name>', 'what to call it')
    .option('--on <node>', 'the worker that gets it; the one with the fewest volumes when absent')
    .option('--limit <size>', 'the most it may hold, like 10GiB', size)
    .action((name: string, { on, limit, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume create ${name}`,
        run: async (lab) => {
          const { createVolume } = await import('../../../workflows/create-volume.ts')
          await createVolume(lab, { name, on, limitBytes: limit })
        },
      }),
    )
}
