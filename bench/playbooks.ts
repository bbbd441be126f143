import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { questionnaire } from '../src/executor/gather.ts'
import { installedPackages } from '../src/facts/packages.ts'
import { pathState } from '../src/facts/path.ts'
import { unitState } from '../src/facts/unit.ts'
import { markedScript } from '../src/shell/marked-script.ts'
import type { Lab } from './lab.ts'
import { interleave, peakMemory, timed } from './measure.ts'
import type { Row } from './report.ts'
import { rivals } from './rivals.ts'
import type { Bench, Session } from './session.ts'
import { ansiblePlaybook, labPlaybook, makeStates, pyinfraDeploy, type State } from './states.ts'

/** Where the states are on a node: each tool has a tree of its own, alike but for its name. */
const TREE = '/srv/lab-bench'

/** How many steps the cost of one more is spread over. */
const MORE = 100

/** A playbook of the user's own beside Ansible, pyinfra, and the least that has to be done. */
export const bench: Bench = {
  title: 'A playbook of 20 and of 100 states on all nodes',
  summary: 'lab run of 20 and 100 states beside ansible-core, pyinfra and a bare ssh2 client; first and second run',
  async run(session) {
    const lab = await session.lab()
    const others = await rivals(session, lab)
    session.defer(() => lab.everywhere(`rm -rf ${TREE}`))
    const rounds = session.options.rounds ?? 3
    const rows: Row[] = []
    for (const count of [20, 100]) rows.push(...(await compare(session, lab, others, count, rounds)))
    rows.push(await oneMoreStep(session, lab, Math.max(rounds, 5)))
    return {
      rows,
      notes: [
        `${others.versions}; each with all nodes at once, host keys checked.`,
        'A first run writes what is below one directory; packages and services are there already. A second run changes nothing.',
        'bare ssh2: a program of a few lines that connects to all nodes and asks the questions of lab itself in one script.',
      ],
    }
  },
}

async function compare(
  session: Session,
  lab: Lab,
  others: Awaited<ReturnType<typeof rivals>>,
  count: number,
  rounds: number,
): Promise<readonly Row[]> {
  const { temporary } = session
  const states = (tool: string) => makeStates(count, `${TREE}/${tool}-${String(count)}`)
  const write = async (name: string, text: string) => {
    const path = join(temporary, `${String(count)}-${name}`)
    await writeFile(path, text)
    return path
  }
  const mine = await write('lab.ts', labPlaybook(states('lab')))
  const play = await write('ansible.yml', ansiblePlaybook(states('ansible')))
  const deploy = await write('pyinfra.py', pyinfraDeploy(states('pyinfra')))
  const fromNothing = async (tool: string, run: () => Promise<number>) => {
    await lab.everywhere(`rm -rf ${TREE}/${tool}-${String(count)}; mkdir -p ${TREE}/${tool}-${String(count)}`)
    return run()
  }
  const say = (text: string) => session.say(`${String(count)} states, ${text}`)
  const first = await interleave(
    rounds,
    {
      lab: () => fromNothing('lab', () => timed(() => lab.run(['run', mine]))),
      pyinfra: () => fromNothing('pyinfra', () => others.pyinfra(deploy, false)),
      ansible: () => fromNothing('ansible', () => others.ansible(play, false)),
    },
    (text) => say(`first run ${text}`),
  )
  const floor = await floorCommand(session, lab, states('lab'), count)
  const second = await interleave(
    rounds,
    {
      floor: () => timed(() => floor({})),
      lab: () => timed(() => lab.converged(['run', mine])),
      pyinfra: () => others.pyinfra(deploy, true),
      ansible: () => others.ansible(play, true),
    },
    (text) => say(`second run ${text}`),
  )
  const memory = {
    floor: await peakMemory(temporary, (env) => floor(env)),
    lab: await peakMemory(temporary, (env) => lab.run(['run', mine], { env })),
  }
  return rowsOf(`${String(count)} states`, first, second, memory)
}

function rowsOf(
  name: string,
  first: Readonly<Record<'lab' | 'pyinfra' | 'ansible', number[]>>,
  second: Readonly<Record<'floor' | 'lab' | 'pyinfra' | 'ansible', number[]>>,
  memory: Readonly<Record<'floor' | 'lab', number>>,
): readonly Row[] {
  const row = (what: string, values: readonly number[], more: Partial<Row> = {}): Row => ({
    ...{ what: `${name}, ${what}`, unit: 'ms', values },
    ...more,
  })
  const firstLab = row('first run: lab', first.lab)
  const floor = row('second run: bare ssh2', second.floor)
  const lab = row('second run: lab', second.lab, { against: floor, goal: 'at most 1.5' })
  const bare = row('peak memory: bare ssh2', [memory.floor], { unit: 'MiB' })
  return [
    firstLab,
    row('first run: pyinfra', first.pyinfra, { against: firstLab, goal: 'more than 1' }),
    row('first run: ansible', first.ansible, { against: firstLab, goal: 'more than 1' }),
    floor,
    lab,
    row('second run: pyinfra', second.pyinfra, { against: lab, goal: 'at least 5' }),
    row('second run: ansible', second.ansible, { against: lab, goal: 'at least 30' }),
    bare,
    row('peak memory: lab', [memory.lab], { unit: 'MiB', against: bare }),
  ]
}

/** Asks what lab asks for these states, word by word, and nothing else. */
async function floorCommand(session: Session, lab: Lab, states: readonly State[], count: number) {
  const queries = states.map((state) => {
    if (state.kind === 'package') return installedPackages
    return state.kind === 'service' ? unitState(state.unit) : pathState(state.path)
  })
  const script = join(session.temporary, `${String(count)}-facts.sh`)
  await writeFile(script, markedScript(questionnaire(queries).parts, 'answer'))
  const config = await lab.sshConfig(session.temporary)
  const program = join(import.meta.dirname, 'floor.js')
  return (env: Readonly<Record<string, string>>) =>
    $({
      quiet: true,
      signal: session.signal,
      env: { ...process.env, ...env },
    })`${process.execPath} ${program} ${config} ${script}`
}

/** What a step adds to the second run of a play of a hundred: the difference to a play that is longer, by step. */
export async function oneMoreStep(session: Session, lab: Lab, rounds: number): Promise<Row> {
  const playbooks = await Promise.all(
    [100, 100 + MORE].map(async (count) => {
      const path = join(session.temporary, `more-${String(count)}.ts`)
      await writeFile(path, labPlaybook(makeStates(count, `${TREE}/more`)))
      return path
    }),
  )
  const [short = '', long = ''] = playbooks
  await lab.run(['run', long])
  const figures = await interleave(
    rounds,
    { short: () => timed(() => lab.converged(['run', short])), long: () => timed(() => lab.converged(['run', long])) },
    (text) => session.say(`one more step, ${text}`),
  )
  const each = figures.long.map((ms, round) => (ms - (figures.short[round] ?? Number.NaN)) / MORE)
  return { what: 'one more step in a play of 100, second run', unit: 'ms', values: each, goal: 'under 5 ms' }
}
