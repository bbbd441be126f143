import { FAULT_KINDS } from '../../model/fault.ts'
import { confirmed } from '../confirm.ts'
import { interval } from '../durations.ts'
import { list, wholeNumber, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'
import { UsageError } from '../../model/errors.ts'

interface Options extends CommonOptions {
  readonly for?: number
  readonly seed?: number
  readonly faults?: readonly string[]
  readonly yes?: true
}

const FIVE_MINUTES_MS = 300_000
const MOST_SEED = 999_999

/** `lab chaos` */
export const register: Register = (cli) => {
  cli
    .command('chaos', {
      summary: 'break things at random, and see them heal',
      more: `One fault after the other, each with its healing, never more than the lab can survive: ${FAULT_KINDS.join(', ')}. Meanwhile the URL is asked, numbered records go into the guest book, and nodes note who may write to volumes; after each fault, names must equal tasks. "fill" fills a node’s pool of volumes: what else it has lies on the disk of this host, which would be full for everybody. Ends with everything healed, also after Ctrl-C; exit 1 if something was not as promised. The same seed does the same again. On a terminal it asks first.`,
      examples: [
        'lab chaos --for 5m --seed 7',
        'lab chaos --for 1m --faults kill,cut   only these',
        'lab chaos --yes                         do not ask',
      ],
    })
    .option('--for <time>', 'how long: 30s, 5m, 1h; what was begun is still healed (default: 5m)', interval)
    .option('--seed <number>', 'decides what happens where (default: another one each time)', wholeNumber('a seed', 0))
    .option('--faults <names>', 'only these, with commas between', list)
    .option('-y, --yes', 'do not ask')
    .action(({ for: forMs = FIVE_MINUTES_MS, seed, faults, yes, ...options }: Options) => {
      const chosen = seed ?? Math.floor(Math.random() * MOST_SEED)
      const asks = yes !== true && options.json !== true && cli.io.stdin.isTTY && cli.io.stderr.isTTY
      const again = `${cli.session.typed()}${seed === undefined ? ` --seed ${String(chosen)}` : ''}`
      return cli.session.work(options, {
        command: `chaos --seed ${String(chosen)}`,
        asks,
        resume: `everything is healed; "${again}" does the same again`,
        run: async (lab) => {
          if (forMs === 0) throw new UsageError('"0" is no time to break anything in', { where: '--for' })
          const { planChaos } = await import('../../workflows/chaos-plan.ts')
          const plan = await planChaos(lab, { forMs, seed: chosen, faults })
          const question = {
            text: `Break nodes of ${lab.lab.name} on purpose for ${String(Math.round(forMs / 1000))} s?`,
            refused: 'nothing was broken',
            command: 'chaos',
            without: 'lab chaos --yes',
          }
          if (asks && !(await confirmed(lab, cli.io, false, question))) return
          const { chaos } = await import('../../workflows/chaos.ts')
          await chaos(lab, plan, again)
          return undefined
        },
      })
    })
}
