import { UsageError } from '../../../model/errors.ts'
import { interval } from '../../durations.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface ReplicateOptions extends CommonOptions {
  readonly to?: string
  readonly every?: number
  readonly stop?: boolean
  readonly auto?: boolean
}

/** `lab volume replicate` */
export const register: Register = (cli) => {
  cli
    .command('replicate <volume>', {
      summary: 'keep a copy of a volume up to date on another node',
      more: 'The nodes do it by themselves, also when nobody is logged in, after a restart, and wherever the volume moves.',
      examples: [
        'lab volume replicate mongo --to node2 --every 10s',
        'lab volume replicate mongo --to node2 --auto   promote it without asking: see lab volume watch --help',
        'lab volume replicate mongo --stop  end all replicas',
        'lab volume replicate mongo --to node2 --stop',
      ],
    })
    .option('--to <node>', 'the node of the copy')
    .option('--every <time>', 'how often it is brought up to date, like 10s, 5m or 1h; 10s if you do not say', interval)
    .option('--auto', 'lab volume watch promotes it when the owner is dead, whatever was written since')
    .option('--no-auto', 'nothing is promoted without asking')
    .option('--stop', 'end it and delete the copy')
    .action((volume: string, options: ReplicateOptions) => {
      const { to, every = 10_000, stop, auto } = options
      if (stop === true && (auto ?? options.every) !== undefined) {
        throw new UsageError('--stop ends the replica: --auto, --no-auto and --every say how one is kept', {
          hint: `lab volume replicate ${volume} --stop`,
        })
      }
      if (to === undefined && stop !== true) {
        throw new UsageError('say where the copy shall be', { hint: `lab volume replicate ${volume} --to NODE` })
      }
      return cli.session.work(options, {
        command: `volume replicate ${volume}`,
        run: async (lab) => {
          const { replicateVolume, stopReplicas } = await import('../../../workflows/volume-replicas.ts')
          if (stop === true) await stopReplicas(lab, volume, to)
          else await replicateVolume(lab, volume, { to: to ?? '', everyMs: every, auto })
        },
      })
    })
}
