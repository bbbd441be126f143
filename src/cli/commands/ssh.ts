import { commandWords, localStreams } from '../local-streams.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab ssh` */
export const register: Register = (cli) => {
  cli
    .command('ssh <node> [command...]', {
      summary: 'a shell on a node, or a command',
      more: 'The exit code is that of the command. One word alone is a line for the shell of the node.',
      examples: ['lab ssh node1', 'lab ssh node2 -- journalctl -u docker -n 20', "lab ssh mgmt -- 'df -h | grep lab'"],
    })
    .passThroughOptions()
    .action((node: string, words: readonly string[], options: CommonOptions) =>
      cli.session.direct(options, async (lab) => {
        const { shell } = await import('../../workflows/shell.ts')
        return shell(lab, { node, command: commandWords(words) }, localStreams(cli.io))
      }),
    )
}
