import { UsageError } from '../../../model/errors.ts'
import { interval } from '../../durations.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly after?: number
}

/** Below this, a node that is only busy would count as dead, and lose what it wrote. */
const LEAST_AFTER_MS = 5000

/** `lab volume watch` */
export const register: Register = (cli) => {
  cli
    .command('watch', {
      summary: 'promote replicas of dead nodes, until Ctrl-C',
      more: 'Of volumes that want it (lab volume replicate --auto). The dead node is powered off first, so it has to run where the nodes can be powered off: on this host. What the node wrote after its replica is lost.',
      examples: ['lab volume watch', 'lab volume watch --after 1m    be patient: nodes here boot slowly'],
    })
    .option('--after <time>', 'how long a node must have been down, like 10s or 1m; 15s if you do not say', patience)
    .action(({ after = 15_000, ...options }: Options) =>
      cli.session.work(options, {
        command: 'volume watch',
        record: 'none',
        run: async (lab) => {
          const { watchVolumes } = await import('../../../workflows/watch-volumes.ts')
          await watchVolumes(lab, { afterMs: after })
        },
      }),
    )
}

function patience(text: string): number {
  const ms = interval(text)
  if (ms >= LEAST_AFTER_MS) return ms
  throw new UsageError(`${text} is too short: a node that is only busy for as long would be taken for dead`, {
    hint: `--after ${String(LEAST_AFTER_MS / 1000)}s, or longer`,
  })
}
