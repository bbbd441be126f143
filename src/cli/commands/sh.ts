import { EXIT, UsageError } from '../../model/errors.ts'
import { styleOf } from '../io.ts'
import { list, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly on?: readonly string[]
}

/** `lab sh` */
export const register: Register = (cli) => {
  cli
    .command('sh [command...]', {
      summary: 'run a command on many nodes at once',
      more: 'Each line comes with the name of its node. One word alone is a line for the shell of the nodes. The exit code is 1 if it failed anywhere.',
      examples: [
        "lab sh 'uptime'                          on all nodes",
        'lab sh --on web,mgmt -- systemctl is-active docker',
        "lab sh --on worker --json 'df -h /'      groups of lab.yml and roles are names too",
      ],
    })
    .option('--on <nodes>', 'on these nodes, groups or roles, with commas between; on all when absent', list)
    .action((command: readonly string[], { on, ...options }: Options) =>
      cli.session.direct(options, async (lab) => {
        if (command.length === 0) throw new UsageError('which command?', { hint: "lab sh 'uptime'" })
        const { sh } = await import('../../workflows/sh.ts')
        const { nodeLines } = await import('../../reporters/node-lines.ts')
        const { io } = cli
        const lines = nodeLines(
          lab.spec.nodes.map(({ name }) => name),
          { stdout: styleOf(io.stdout, io.env), stderr: styleOf(io.stderr, io.env) },
        )
        const ends = await sh(lab, { on, command }, (line) => {
          if (options.json) io.out(JSON.stringify(line))
          else (line.stream === 'stdout' ? io.out : io.err)(lines.line(line))
        })
        for (const end of ends) {
          if (options.json) io.out(JSON.stringify(lines.ended(end)))
          else lines.failure(end).forEach(io.err)
        }
        return ends.every((end) => 'status' in end && end.status === 0) ? EXIT.done : EXIT.failed
      }),
    )
}
