import { join } from 'node:path'
import { UsageError } from '../../model/errors.ts'
import { unknownName } from '../../model/names.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

const ACTIONS = ['show', 'diff']

/** `lab runs` */
export const register: Register = (cli) => {
  cli
    .command('runs [action] [numbers...]', {
      summary: 'what past runs changed where',
      more: 'Without an action, the runs on record, the latest first; the last 50 are kept. Numbers below 0 count from the latest, which is -1.',
      examples: [
        'lab runs',
        'lab runs show 12        what run 12 changed on which node, with the lines of files',
        'lab runs diff 12 14     what went another way in run 14 than in run 12',
        'lab runs diff -- -2 -1  the latest two',
      ],
    })
    .action((action: string | undefined, numbers: readonly string[], options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => {
          const runs = await import('../../reporters/past-runs.ts')
          const directory = join(lab.lab.stateDirectory, 'runs')
          const run = (text: string | undefined) => runs.pastRun(directory, runNumber(text))
          if (action === undefined) return { runs: runs.pastRuns(directory) }
          if (!ACTIONS.includes(action)) throw unknownName('action', action, ACTIONS)
          const wanted = action === 'show' ? 1 : 2
          if (numbers.length > wanted || (action === 'diff' && numbers.length < wanted))
            throw new UsageError(
              `"${action}" takes ${wanted === 1 ? 'the number of one run' : 'the numbers of two runs'}`,
              {
                hint: `lab runs ${action} ${wanted === 1 ? '12' : '12 14'}`,
              },
            )
          if (action === 'show') return { run: run(numbers[0] ?? '-1') }
          const [first, second] = [run(numbers[0]), run(numbers[1])]
          return { comparison: runs.compareRuns(first, second) }
        },
        async (found, screen) => {
          const view = await import('../../reporters/runs-view.ts')
          if ('runs' in found) return view.renderRuns(found.runs, screen)
          if ('run' in found) return view.renderRun(found.run, screen)
          return view.renderDifferences(found.comparison, screen)
        },
      ),
    )
}

function runNumber(text = ''): number {
  const number = Number(text)
  if (/^-?\d+$/.test(text) && number !== 0) return number
  throw new UsageError(`"${text}" is not the number of a run`, { hint: 'lab runs lists them' })
}
