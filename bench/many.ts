import { freemem } from 'node:os'
import type { Lab, Cost } from './lab.ts'
import { peakMemory, timed } from './measure.ts'
import { oneMoreStep } from './playbooks.ts'
import type { Row } from './report.ts'
import type { Bench, Session } from './session.ts'

/** Memory a node takes while it boots, at the most; fewer are started where that is not free. */
const NODE_MIB = 220

/** Nodes of the labs that are made when none are asked for. */
const SIZES = [4, 16, 48]

/** What the second run of the site costs as a lab grows, and what a step adds to a long play. Always on labs of its own. */
export const bench: Bench = {
  title: 'Labs of many nodes: what a run costs that finds nothing to do',
  summary:
    'the second lab up of 4, 16 and 48 nodes (--nodes), wall and CPU time, memory; one more step in a play of 100',
  async run(session) {
    const { options } = session
    const rows: Row[] = []
    const notes = [
      'CPU time is that of lab and all it starts on this host, user and system together; not that of the nodes.',
    ]
    for (const nodes of options.nodes.length === 0 ? SIZES : options.nodes) {
      const free = freemem() / 2 ** 20
      if (nodes >= 3 && nodes * NODE_MIB <= free) rows.push(...(await measure(session, nodes)))
      else {
        const wanted = `${String(nodes * NODE_MIB)} MiB are wanted`
        notes.push(
          `${name(nodes)}: left out; ${String(Math.round(free))} MiB are free, ${wanted}, and three nodes at least.`,
        )
      }
    }
    return { rows, notes }
  },
}

async function measure(session: Session, nodes: number): Promise<readonly Row[]> {
  const rounds = session.options.rounds ?? 5
  session.say(`${name(nodes)}: bring them up`)
  const lab = await session.newLab(spec(nodes))
  // What a first lab in a checkout does once (install, compile) is not the lab's own.
  await lab.run(['--version'])
  const first = await timed(() => lab.up())
  const again = await repeat(session, lab, ['up'], rounds)
  const plan = await repeat(session, lab, ['plan'], rounds)
  const peak = await peakMemory(session.temporary, (env) => lab.run(['up'], { env }))
  const step = await oneMoreStep(session, lab, rounds)
  await lab.run(['destroy', '--yes'])
  const row = (what: string, unit: Row['unit'], values: readonly number[], goal?: string): Row => ({
    ...{ what: `${name(nodes)}: ${what}`, unit, values },
    ...(goal === undefined ? {} : { goal }),
  })
  return [
    row('lab up, new lab', 'ms', [first]),
    row(
      'lab up, nothing to do',
      'ms',
      again.map(({ wallMs }) => wallMs),
      '1.5, 3, 6 s for 4, 16, 48',
    ),
    row(
      'the same, CPU time',
      'ms',
      again.map(({ cpuMs }) => cpuMs),
    ),
    row(
      'lab plan',
      'ms',
      plan.map(({ wallMs }) => wallMs),
    ),
    row(
      'the same, CPU time',
      'ms',
      plan.map(({ cpuMs }) => cpuMs),
    ),
    row('peak memory of lab', 'MiB', [peak], 'under 200 MiB'),
    row(step.what, step.unit, step.values, step.goal),
  ]
}

async function repeat(session: Session, lab: Lab, args: readonly string[], rounds: number): Promise<readonly Cost[]> {
  const costs: Cost[] = []
  for (let round = 1; round <= rounds; round++) {
    session.say(`${name(lab.nodes.length)}: ${args.join(' ')} ${String(round)}/${String(rounds)}`)
    costs.push(await lab.cost(args))
  }
  return costs
}

function name(nodes: number): string {
  return `${String(nodes)} nodes`
}

/** lab.yml of the project with more workers. */
function spec(nodes: number): string {
  return `name: bench-many
nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node1, roles: [worker, registry, logs] }
  - { name: node, roles: [worker], count: ${String(nodes - 2)}, start: 2 }
`
}
