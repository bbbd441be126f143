import { confirmed } from '../../confirm.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'
import type { OpenLab } from '../../../workflows/open-lab.ts'

interface Options extends CommonOptions {
  readonly yes?: true
  readonly copy?: string
}

/** `lab volume destroy` */
export const register: Register = (cli) => {
  cli
    .command('destroy <volume>', {
      summary: 'remove a volume with its data',
      more: 'Asks first. Refuses while a service has it or anything uses it. With --copy, only what a node that does not own it has of it.',
      examples: [
        'lab volume destroy scratch',
        'lab volume destroy scratch --yes               do not ask',
        'lab volume destroy mongo-data --copy node2     what node2 kept of it',
      ],
    })
    .option('-y, --yes', 'do not ask')
    .option('--copy <node>', 'only the copy on this node, which does not own the volume')
    .action((volume: string, { yes, copy, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume destroy ${volume}`,
        run: async (lab) => {
          const workflow = await import('../../../workflows/destroy-volume.ts')
          if (!yes) {
            const name = await checkNames(lab, volume, copy)
            const question = {
              text:
                copy === undefined
                  ? `${await workflow.ownerRemark(lab, name)}Remove ${name} with all its data?`
                  : `Remove the copy of ${name} on ${copy}?`,
              refused: 'nothing was removed',
              command: 'volume destroy',
              without: `${cli.session.typed()} --yes`,
            }
            if (!(await confirmed(lab, cli.io, options.json ?? false, question))) return
          }
          if (copy === undefined) await workflow.destroyVolume(lab, volume)
          else await workflow.destroyCopy(lab, volume, copy)
        },
      }),
    )
}

/** Name of the volume that is meant. Throws `UsageError` for names nobody has: what is not there is no question. */
async function checkNames(lab: OpenLab, volume: string, node: string | undefined): Promise<string> {
  const [{ checkNodeNames }, { meantVolume }] = await Promise.all([
    import('../../../workflows/with-nodes.ts'),
    import('../../../workflows/with-volume.ts'),
  ])
  if (node !== undefined) checkNodeNames(lab, [node])
  return (await meantVolume(lab, volume)).name
}
