import { relative, resolve } from 'node:path'
import { styleOf } from '../io.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab init` */
export const register: Register = (cli) => {
  cli
    .command('init [directory]', {
      summary: 'write a working directory: lab.yml, a playbook, an app',
      more: 'What it writes comes up as it is. No file is ever overwritten.',
      labless: true,
      examples: ['lab init mylab   then: cd mylab && lab up', 'lab init         here'],
    })
    .action(async (directory: string | undefined, { json }: CommonOptions) => {
      const { initLab } = await import('../../workflows/init.ts')
      const { io } = cli
      const made = await initLab(resolve(io.cwd, directory ?? '.'))
      if (json) {
        io.out(JSON.stringify(made))
        return
      }
      const { green, dim, cyan } = styleOf(io.stdout, io.env)
      for (const name of made.written) io.out(`${green('+')} ${name}`)
      for (const name of made.kept) io.out(dim(`· ${name} was there already`))
      const place = relative(io.cwd, made.directory)
      const go = place === '' ? '' : `cd ${place} && `
      io.out(`\nnow: ${cyan(`${go}lab up`)}, then ${cyan('lab deploy')} and ${cyan('lab run greet.ts')}`)
    })
}
