import { bytesText } from '../../model/bytes-text.ts'
import { EXIT } from '../../model/errors.ts'
import { confirmed } from '../confirm.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly check?: true
  readonly all?: true
  readonly yes?: true
  readonly labOnly?: true
}

/** `lab prune` */
export const register: Register = (cli) => {
  cli
    .command('prune', {
      summary: 'remove images, build cache and records nothing needs',
      more: 'Of the registry, the nodes and this host. What runs stays, and what it would be rolled back to; so do volumes and snapshots. Asks first. Refused while an app is deployed.',
      examples: [
        'lab prune --check      only say what, and how many bytes; exit 2 if anything',
        'lab prune --yes        do not ask',
        'lab prune --lab-only   leave the images on this host, which labs share',
        'lab prune --all        also build cache, pushed images, and those of gone labs',
      ],
    })
    .option('--check', 'only say what would be removed')
    .option('--all', 'also what may be of use: build cache, images pushed by hand or of labs that are gone, records')
    .option('--lab-only', 'leave the images of lab on this host, which labs share')
    .option('-y, --yes', 'do not ask')
    .action(({ check, all, yes, labOnly, ...options }: Options) =>
      cli.session.work(options, {
        command: `prune${check ? ' --check' : ''}`,
        asks: yes !== true && check !== true,
        run: async (lab) => {
          const { prune } = await import('../../workflows/prune.ts')
          const found = await prune(lab, {
            check: check ?? false,
            all: all ?? false,
            host: labOnly !== true,
            agree: async (garbage) => {
              if (yes) return true
              const parts = garbage.map(
                ({ place, kind, items, bytes }) => `${String(items.length)} ${kind} on ${place} (${bytesText(bytes)})`,
              )
              return confirmed(lab, cli.io, options.json ?? false, {
                text: `Remove ${parts.join(', ')}?`,
                refused: 'nothing was removed',
                command: 'prune',
                without: 'lab prune --check says what; lab prune --yes',
              })
            },
          })
          return check && found ? EXIT.changesPending : EXIT.done
        },
      }),
    )
}
