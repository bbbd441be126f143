import { resolve } from 'node:path'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly snapshot?: string
  readonly force?: true
}

/** `lab volume export` */
export const register: Register = (cli) => {
  cli
    .command('export <volume> <file>', {
      summary: 'write a volume to a file with a checksum',
      more: 'Of one moment, while it is written to. Only you can read the file. lab volume import reads it, in this lab or another.',
      examples: [
        'lab volume export mongo-data mongo.lab',
        'lab volume export mongo-data mongo.lab --snapshot monday   what this snapshot holds',
      ],
    })
    .option('--snapshot <snapshot>', 'what this snapshot holds; what the volume holds now when absent')
    .option('--force', 'replace a file that is there')
    .action((volume: string, file: string, { snapshot, force, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume export ${volume} ${file}`,
        resume: `nothing was written; "${cli.session.typed()}" starts anew`,
        run: async (lab) => {
          const { exportVolume } = await import('../../../workflows/export-volume.ts')
          await exportVolume(lab, { volume, file: resolve(cli.io.cwd, file), snapshot, force: force ?? false })
        },
      }),
    )
}
