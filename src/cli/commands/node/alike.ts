import type { OpenLab } from '../../../workflows/open-lab.ts'
import type { CommandHelp, Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** A command of `lab node` that does one thing to the nodes it names. */
export interface NodeCommand<Options> extends CommandHelp {
  /** As typed: `stop <nodes...>`. */
  readonly usage: string
  /** Options of its own, with what they mean and how their values are read. */
  readonly options?: readonly (readonly [flags: string, meaning: string, read?: (text: string) => unknown])[]
  readonly run: (lab: OpenLab, nodes: readonly string[], options: Options) => Promise<void>
}

/** The commands of `lab node` are alike: names of nodes, and work that is told as it happens. */
export function nodeCommand<Options extends object = object>(wanted: NodeCommand<Options>): Register {
  const { usage, options = [], run, ...help } = wanted
  return (cli) => {
    const command = cli.command(usage, help)
    for (const [flags, meaning, read] of options) {
      if (read === undefined) command.option(flags, meaning)
      else command.option(flags, meaning, read)
    }
    command.action((nodes: readonly string[], given: CommonOptions & Options) =>
      cli.session.work(given, {
        command: ['node', command.name(), ...nodes].join(' '),
        run: async (lab) => {
          await run(lab, nodes, given)
          return undefined
        },
      }),
    )
  }
}
