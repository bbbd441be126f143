import { once } from 'node:events'
import { UsageError } from '../../model/errors.ts'
import type { LogRecord } from '../../model/service-logging.ts'
import { isLive, styleOf, type Io } from '../io.ts'
import { wholeNumber, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly follow?: boolean
  readonly since?: string
  readonly lines?: number | 'all'
  readonly node?: string
  readonly unit?: string
}

/** `lab logs` */
export const register: Register = (cli) => {
  cli
    .command('logs [service]', {
      summary: 'what containers wrote, from all nodes in one place',
      more: 'In time order, the last 500 lines unless told otherwise. With --node and no service: the journal of that node.',
      examples: [
        'lab logs nodeapp -f                     and what comes',
        'lab logs --since 10m                    of all services; 1h30m, 2d, 2026-11-21T12:30 work too',
        'lab logs mongo -n all --json            every line, one JSON object each',
        'lab logs --node node2 --unit docker     the journal of a node',
      ],
    })
    .option('-f, --follow', 'go on with what comes')
    .option('--since <time>', 'from this time on: 10m, 1h30m, 2d, 2026-11-21T12:30')
    .option('-n, --lines <number>', 'the last so many lines, or all', lineCount)
    .option('--node <node>', 'only of this node; without a service, its journal')
    .option('--unit <unit>', "only of this unit, in a node's journal")
    .action((service: string | undefined, { follow = false, since, lines, node, unit, ...options }: Options) =>
      cli.session.direct(options, async (lab) => {
        const { logs } = await import('../../workflows/logs.ts')
        const print = options.json ? (_record: LogRecord, text: string) => text : await printer(cli.io)
        const { stdout } = cli.io
        await logs(lab, { service, follow, since, lines, node, unit }, async (record, text) => {
          cli.io.out(print(record, text))
          if (stdout.writableNeedDrain) await once(stdout, 'drain', { signal: lab.signal })
        })
      }),
    )
}

/** On a terminal in columns and with control characters shown; elsewhere the line as it was written. */
async function printer(io: Io): Promise<(record: LogRecord) => string> {
  const { renderLogLine } = await import('../../reporters/log-line.ts')
  const widths = { node: 0, service: 0 }
  const style = styleOf(io.stdout, io.env)
  const raw = !isLive(io.stdout, io.env)
  return (record) => renderLogLine(record, widths, style, raw)
}

function lineCount(text: string): number | 'all' {
  if (text === 'all') return text
  try {
    return wholeNumber('a number of lines', 0)(text)
  } catch {
    throw new UsageError(`"${text}" is not a number of lines: give a whole number, or all`)
  }
}
