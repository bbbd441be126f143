import { UsageError } from '../../model/errors.ts'
import { commandWords, localStreams } from '../local-streams.ts'
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
      more: 'On a terminal of its own if there is one here. The exit code is that of the command.',
      examples: [
        'lab exec nodeapp -- sh',
        'lab exec nodeapp --node node2 -- env',
        'lab exec mongo -- cat /etc/os-release | grep NAME',
      ],
    })
    .option('--node <node>', 'in the container on this node')
    .passThroughOptions()
    .action((service: string, words: readonly string[], { node, ...options }: Options) =>
      cli.session.direct(options, async (lab) => {
        const command = commandWords(words)
        if (command.length === 0) throw new UsageError('which command?', { hint: `lab exec ${service} -- sh` })
        const { exec } = await import('../../workflows/exec.ts')
        return exec(lab, { service, node, command }, localStreams(cli.io))
      }),
    )
}
