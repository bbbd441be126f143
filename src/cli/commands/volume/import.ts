import { resolve } from 'node:path'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly on?: string
}

/** `lab volume import` */
export const register: Register = (cli) => {
  cli
    .command('import <file> <name>', {
      summary: 'make a volume of a file that export wrote',
      more: 'Its checksum is verified first; a file that is cut or changed leaves nothing.',
      examples: ['lab volume import mongo.lab mongo-copy', 'lab volume import mongo.lab mongo-copy --on node3'],
    })
    .option('--on <node>', 'the worker that gets it; the one with the fewest volumes when absent')
    .action((file: string, name: string, { on, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume import ${file} ${name}`,
        resume: `"${cli.session.typed()}" starts anew`,
        run: async (lab) => {
          const { importVolume } = await import('../../../workflows/export-volume.ts')
          await importVolume(lab, { file: resolve(cli.io.cwd, file), name, on })
        },
      }),
    )
}
