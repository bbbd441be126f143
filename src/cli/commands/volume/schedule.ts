import { UsageError } from '../../../model/errors.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface ScheduleOptions extends CommonOptions {
  readonly pre?: string
  readonly post?: string
  readonly hooks: boolean
  readonly none?: boolean
}

/** `lab volume schedule` */
export const register: Register = (cli) => {
  cli
    .command('schedule <volume> [keep...]', {
      summary: 'take snapshots of a volume by schedule, and keep so many',
      more: 'Hours, days, weeks and months are those of UTC. Hooks run by "sh -c" in the container of the service around every snapshot by schedule, of a replica, or asked for; when the first fails, no snapshot is taken.',
      examples: [
        'lab volume schedule mongo hourly=24 daily=7',
        'lab volume schedule mongo --none  no more; what was taken stays',
        "lab volume schedule db --pre 'pg-quiesce' --post 'pg-resume'",
      ],
    })
    .option('--none', 'take no more snapshots')
    .option('--pre <command>', 'hook before every snapshot', hookCommand)
    .option('--post <command>', 'hook after every snapshot', hookCommand)
    .option('--no-hooks', 'no hooks any more')
    .action((volume: string, keep: readonly string[], options: ScheduleOptions) => {
      refuseContradictions(keep, options)
      const counts = options.none === true ? {} : Object.fromEntries(keep.map(readCount))
      const hook = (command: string | undefined) => (command === undefined ? undefined : ['sh', '-c', command])
      const hooks = { pre: hook(options.pre), post: hook(options.post) }
      const changesHooks = !options.hooks || hooks.pre !== undefined || hooks.post !== undefined
      if (keep.length === 0 && options.none !== true && !changesHooks) {
        throw new UsageError('say what to keep', { hint: `lab volume schedule ${volume} hourly=24 daily=7` })
      }
      return cli.session.work(options, {
        command: `volume schedule ${volume}`,
        run: async (lab) => {
          const { scheduleVolume } = await import('../../../workflows/volume-replicas.ts')
          await scheduleVolume(lab, volume, {
            ...(keep.length > 0 || options.none === true ? { keep: counts } : {}),
            ...(changesHooks ? { hooks: options.hooks ? hooks : {} } : {}),
          })
        },
      })
    })
}

function refuseContradictions(keep: readonly string[], { none, hooks, pre, post }: ScheduleOptions): void {
  if (none === true && keep.length > 0) {
    throw new UsageError(`--none takes no more snapshots, and ${keep.join(' ')} does: give one of them`)
  }
  if (!hooks && (pre ?? post) !== undefined) {
    throw new UsageError('--no-hooks leaves no hook, and --pre or --post sets one: give one of them')
  }
}

function readCount(text: string): readonly [string, number] {
  const [, schedule = '', count] = /^([^=]+)=(\d{1,4})$/.exec(text) ?? []
  if (count !== undefined) return [schedule, Number(count)]
  throw new UsageError(`"${text}" is not a schedule: write it like hourly=24`)
}

function hookCommand(text: string): string {
  if (text.trim() !== '') return text
  throw new UsageError('a hook that is no command', { hint: '--no-hooks takes all hooks away' })
}
