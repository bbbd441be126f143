import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab cp` */
export const register: Register = (cli) => {
  cli
    .command('cp <from> <to>', {
      summary: 'copy files from or to a node or container',
      more: 'Files and directories, as cp -r would. A side is node1:/path, service:/path or a path here.',
      examples: [
        'lab cp ./site node1:/srv/',
        'lab cp nodeapp:/app/package.json .',
        'lab cp node1:/etc/hosts node2:/tmp/',
      ],
    })
    .action((from: string, to: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `cp ${from} ${to}`,
        run: async (lab) => {
          const { copy } = await import('../../workflows/copy.ts')
          await copy(lab, { from, to, workingDirectory: cli.io.cwd })
        },
      }),
    )
}
