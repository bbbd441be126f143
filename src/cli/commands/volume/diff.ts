import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly copy?: string
  readonly snapshot?: string
}

/** `lab volume diff` */
export const register: Register = (cli) => {
  cli
    .command('diff <volume>', {
      summary: 'list the paths at which a copy or snapshot differs',
      more: "Compares names, types, contents, modes, owners and times of the volume, as it is now, with what another node has of it: a former owner's orphan, or else its newest snapshot. Reads all of both.",
      examples: [
        'lab volume diff mongo --copy node1',
        'lab volume diff mongo --snapshot before-upgrade',
        'lab volume diff mongo --copy node1 --snapshot orphan-3 --json | jq -r .differences[].path',
      ],
    })
    .option('--copy <node>', 'the node whose copy to compare with')
    .option('--snapshot <snapshot>', 'the snapshot to compare with, there or on the owner')
    .action((volume: string, { copy, snapshot, ...options }: Options) =>
      cli.session.query(
        options,
        async (lab) => (await import('../../../workflows/diff-volume.ts')).diffVolume(lab, { volume, copy, snapshot }),
        async (document, screen) => (await import('../../../reporters/volume-diff.ts')).renderDiff(document, screen),
      ),
    )
}
