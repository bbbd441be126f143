import { confirmed } from '../../confirm.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly yes?: true
}

/** `lab volume rollback` */
export const register: Register = (cli) => {
  cli
    .command('rollback <volume> <snapshot>', {
      summary: 'put a volume and its service back to a snapshot',
      more: 'Asks first. The service is stopped and started again; what is there now is kept as the snapshot before-rollback-N. Interrupted, the same command goes on, and lab up puts back or finishes.',
      examples: [
        'lab volume rollback mongo-data before-upgrade',
        'lab volume rollback mongo-data before-upgrade --yes   do not ask',
      ],
    })
    .option('-y, --yes', 'do not ask')
    .action((volume: string, snapshot: string, { yes, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume rollback ${volume} ${snapshot}`,
        run: async (lab) => {
          const { checkRollback, rollbackVolume } = await import('../../../workflows/rollback-volume.ts')
          if (!yes) {
            const name = await checkRollback(lab, volume, snapshot)
            const question = {
              text: `Stop what uses ${name} and put it back to ${snapshot}?`,
              refused: 'nothing was changed',
              command: 'volume rollback',
              without: `${cli.session.typed()} --yes`,
            }
            if (!(await confirmed(lab, cli.io, options.json ?? false, question))) return
          }
          await rollbackVolume(lab, volume, snapshot)
        },
      }),
    )
}
