import { resolve } from 'node:path'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab bundle`, and `lab bundle load` */
export const register: Register = (cli) => {
  const bundle = cli
    .command('bundle [file]', {
      summary: 'one file that brings this lab up without a network',
      more: 'It holds lab itself with its packages, the files of this lab, and the images of its nodes and apps; not the data of its volumes, nor its secrets. The lab must be up if lab.yml lists apps. The other machine needs Docker and Node.js: copy the file there and type "sh FILE".',
      examples: [
        'lab bundle                       classic.lab-bundle, for a lab called classic',
        'lab bundle /media/usb/my.lab-bundle',
        'sh classic.lab-bundle            there: unpacks ./classic and loads the images',
        'lab bundle load classic.lab-bundle   only the images, for a lab that is there',
      ],
    })
    .action((file: string | undefined, options: CommonOptions) =>
      cli.session.work(options, {
        command: 'bundle',
        resume: `no file was written; "${cli.session.typed()}" starts anew`,
        run: async (lab) => {
          const { defaultBundleFile, writeBundle } = await import('../../workflows/bundle.ts')
          await writeBundle(lab, resolve(cli.io.cwd, file ?? defaultBundleFile(lab.lab.name)))
        },
      }),
    )
  cli
    .below(bundle)
    .command('load <bundled>', {
      summary: "load a bundle's images into this machine's engine",
      more: 'Checks the whole file first; nothing is changed by one that is damaged, of another kind of machine, or no bundle. Works from anywhere.',
      labless: true,
      examples: ['lab bundle load classic.lab-bundle'],
    })
    .action((file: string, options: CommonOptions) =>
      cli.session.outside(options, {
        command: `bundle load ${file}`,
        run: async (emit) => {
          const { loadBundle } = await import('../../workflows/load-bundle.ts')
          await loadBundle(emit, resolve(cli.io.cwd, file), cli.session.signal)
        },
      }),
    )
}
