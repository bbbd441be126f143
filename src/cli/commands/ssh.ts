import type { Command } from 'commander'
import { commandWords } from '../command-words.ts'
import { localStreams } from '../local-streams.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab ssh` */
export const register: Register = (cli) => {
  cli
    .command('ssh <node> [command...]', {
      summary: 'a shell on a node, or a command',
      more: 'The exit code is that of the command, which begins at the first word behind NODE that is no option, or after --. One word alone is a line for the shell of the node.',
      examples: ['lab ssh node1', 'lab ssh node2 -- journalctl -u docker -n 20', "lab ssh mgmt -- 'df -h | grep lab'"],
    })
    .passThroughOptions()
    .action((node: string, words: readonly string[], _options: CommonOptions, self: Command) => {
      const command = commandWords(self, words)
      return cli.session.direct(self.opts<CommonOptions>(), async (lab) => {
        const { shell } = await import('../../workflows/shell.ts')
        return shell(lab, { node, command }, localStreams(cli.io))
      })
    })
}
