import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly snapshot?: string
}

/** `lab volume clone` */
export const register: Register = (cli) => {
  cli
    .command('clone <volume> <new-name>', {
      summary: 'make a writable copy of a volume, at once',
      more: 'On the same node, sharing what neither changes: no time and no room, whatever the size. Another app uses it by external: true with its name.',
      examples: ['lab volume clone mongo-data mongo-test', 'lab volume clone mongo-data mongo-test --snapshot monday'],
    })
    .option('--snapshot <snapshot>', 'what this snapshot holds; what the volume holds now when absent')
    .action((volume: string, as: string, { snapshot, ...options }: Options) =>
      cli.session.work(options, {
        command: `volume clone ${volume} ${as}`,
        run: async (lab) => {
          const { cloneVolume } = await import('../../../workflows/clone-volume.ts')
          await cloneVolume(lab, { volume, as, snapshot })
        },
      }),
    )
}
