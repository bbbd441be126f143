import { freemem } from 'node:os'
import { idleCpu } from './idle.ts'
import type { Lab, Cost } from './lab.ts'
import { peakMemory, timed } from './measure.ts'
import { oneMoreStep } from './playbooks.ts'
import type { Row } from './report.ts'
import type { Bench, Session } from './session.ts'

/** Memory a node takes while it boots, at the most; fewer are started where that is not free. */
const NODE_MIB = 220

/** Nodes of the labs that are made when none are asked for. */
const SIZES = [4, 17, 50]
/** How often a lab of each size comes and goes: with fifty nodes that takes minutes each time. */
const LIVES = 3

/** What a lab costs as it grows, and what a step adds to a long play. Always on labs of its own. */
export const bench: Bench = {
  title: 'Labs of many nodes',
  summary:
    'labs of 4, 17 and 50 nodes (--nodes): up, up again, plan, status, destroy; CPU time, memory; one more step in a play',
  async run(session) {
    const { options } = session
    const rows: Row[] = []
    const notes = [
      'CPU time is that of lab and all it starts on this host, user and system together; not that of the nodes.',
    ]
    for (const nodes of options.nodes.length === 0 ? SIZES : options.nodes) {
      const free = freemem() / 2 ** 20
      if (nodes >= 3 && nodes * NODE_MIB <= free) rows.push(...(await measure(session, nodes, notes)))
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

/** A lab of this size comes and goes, several times over; what it costs while it is there is measured on the last one. */
async function measure(session: Session, nodes: number, notes: string[]): Promise<readonly Row[]> {
  const lives = session.options.rounds ?? LIVES
  const brought: number[] = []
  const destroyed: number[] = []
  let standing: readonly Row[] = []
  for (let life = 1; life <= lives; life++) {
    const say = (what: string) => {
      session.say(`${name(nodes)}: ${what} ${String(life)}/${String(lives)}`)
    }
    say('bring them up')
    const lab = await session.newLab(spec(nodes))
    // What a first lab in a checkout does once (install, compile) is not the lab's own.
    await lab.run(['--version'])
    const tookMs = await bringUp(session, lab, notes)
    if (tookMs !== undefined) brought.push(tookMs)
    if (life === lives) standing = await measureStanding(session, lab)
    say('destroy')
    destroyed.push(await timed(() => lab.run(['destroy', '--yes'])))
  }
  return [
    ...(brought.length === 0 ? [] : [row(nodes, 'lab up, new lab', 'ms', brought, '12, 45, 150 s for 4, 17, 50')]),
    ...standing,
    row(nodes, 'lab destroy', 'ms', destroyed, '5 s for 4, 30 s for 50'),
  ]
}

async function measureStanding(session: Session, lab: Lab): Promise<readonly Row[]> {
  const nodes = lab.nodes.length
  const rounds = session.options.rounds ?? 5
  session.say(`${name(nodes)}: until a run finds nothing to do`)
  await lab.run(['up'])
  const again = await repeat(session, lab, ['up'], rounds)
  const plan = await repeat(session, lab, ['plan'], rounds)
  const status = await times(session, `${name(nodes)}: status`, rounds, () => lab.run(['status']))
  const peak = await peakMemory(session.temporary, (env) => lab.run(['up'], { env }))
  const step = await oneMoreStep(session, lab, rounds)
  session.say(`${name(nodes)}: idle`)
  const idle = await idleCpu(lab)
  const wall = (costs: readonly Cost[]) => costs.map(({ wallMs }) => wallMs)
  const cpu = (costs: readonly Cost[]) => costs.map(({ cpuMs }) => cpuMs)
  return [
    row(nodes, 'lab up, nothing to do', 'ms', wall(again), '1.5, 3, 6 s for 4, 17, 50'),
    row(nodes, 'the same, CPU time', 'ms', cpu(again)),
    row(nodes, 'lab plan', 'ms', wall(plan)),
    row(nodes, 'the same, CPU time', 'ms', cpu(plan)),
    row(nodes, 'lab status', 'ms', status, 'under 3 s for 50'),
    row(nodes, 'peak memory of lab', 'MiB', [peak], 'under 200 MiB'),
    row(nodes, 'processor while idle', '%', [idle], 'at most 6 % for 4'),
    row(nodes, step.what, step.unit, step.values, step.goal),
  ]
}

function row(nodes: number, what: string, unit: Row['unit'], values: readonly number[], goal?: string): Row {
  return { what: `${name(nodes)}: ${what}`, unit, values, ...(goal === undefined ? {} : { goal }) }
}

/** Time of the first run; undefined, and said, where that failed and a second one did it. */
async function bringUp(session: Session, lab: Lab, notes: string[]): Promise<number | undefined> {
  try {
    return await timed(() => lab.up())
  } catch (error) {
    if (session.signal.aborted) throw error
    const text = error instanceof Error ? error.message : String(error)
    session.say(`the first lab up failed, which is no figure; once more: ${text}`)
    await lab.up()
    notes.push(`${name(lab.nodes.length)}: the first lab up failed, a second one did it.`)
    return undefined
  }
}

async function times(
  session: Session,
  what: string,
  rounds: number,
  work: () => Promise<unknown>,
): Promise<readonly number[]> {
  const values: number[] = []
  for (let round = 1; round <= rounds; round++) {
    session.say(`${what} ${String(round)}/${String(rounds)}`)
    values.push(await timed(work))
  }
  return values
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
