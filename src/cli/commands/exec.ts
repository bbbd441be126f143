import type { Command } from 'commander'
import { UsageError } from '../../model/errors.ts'
import { commandWords } from '../command-words.ts'
import { localStreams } from '../local-streams.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly node?: string
}

/** `lab exec` */
export const register: Register = (cli) => {
  cli
    .command('exec <service> [command...]', {
      summary: 'run a command in a container of a service',
      more: 'On a terminal of its own if there is one here. The exit code is that of the command, which begins at the first word behind SERVICE that is no option, or after --.',
      examples: [
        'lab exec nodeapp -- sh',
        'lab exec nodeapp --node node2 -- env',
        'lab exec mongo -- cat /etc/os-release | grep NAME',
      ],
    })
    .option('--node <node>', 'in the container on this node')
    .passThroughOptions()
    .action((service: string, words: readonly string[], _options: Options, self: Command) => {
      const command = commandWords(self, words)
      const { node, ...options } = self.opts<Options>()
      return cli.session.direct(options, async (lab) => {
        if (command.length === 0) throw new UsageError('which command?', { hint: `lab exec ${service} -- sh` })
        const { exec } = await import('../../workflows/exec.ts')
        return exec(lab, { service, node, command }, localStreams(cli.io))
      })
    })
}
