import { UsageError } from '../../model/errors.ts'
import type { OpenLab } from '../../workflows/open-lab.ts'
import type { Io } from '../io.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly yes?: true
  readonly images?: true
}

/** `lab destroy` */
export const register: Register = (cli) => {
  cli
    .command('destroy', {
      summary: 'remove the nodes with all their data',
      more: 'Asks first. Downloaded and built images stay for the next lab.',
      examples: [
        'lab destroy',
        'lab destroy --yes            do not ask',
        'lab destroy --yes --images   remove the downloaded and built images too',
      ],
    })
    .option('-y, --yes', 'do not ask')
    .option('--images', 'remove downloaded and built images too')
    .action(({ yes, images, ...options }: Options) =>
      cli.session.work(options, {
        command: 'destroy',
        record: 'none',
        run: async (lab) => {
          if (!yes && !(await confirmed(lab, cli.io, options.json ?? false))) return
          const { destroy } = await import('../../workflows/destroy.ts')
          await destroy(lab, { images: images ?? false })
        },
      }),
    )
}

/** Asks on a terminal. Throws where nobody can be asked. */
async function confirmed(lab: OpenLab, io: Io, json: boolean): Promise<boolean> {
  if (json || !io.stdin.isTTY || !io.stderr.isTTY)
    throw new UsageError('destroy asks before it removes anything, and there is no terminal to ask on', {
      hint: 'lab destroy --yes',
    })
  const { createInterface } = await import('node:readline/promises')
  const prompt = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const nodes = lab.spec.nodes.map(({ name }) => name).join(', ')
    const answer = await prompt.question(`Remove ${nodes} of "${lab.lab.name}" with all their data? [y/N] `, {
      signal: lab.signal,
    })
    const yes = /^y(es)?$/i.test(answer.trim())
    if (!yes) lab.emit({ type: 'notice', level: 'info', message: 'nothing was removed' })
    return yes
  } finally {
    prompt.close()
  }
}
