import type { Lab } from './lab.ts'
import { nodeToNode } from './node-to-node.ts'
import type { Row } from './report.ts'
import type { Bench } from './session.ts'
import { restartInPlace, stopCopyStart, type CopyFigures } from './stop-copy-start.ts'
import { move, otherThan, owner, prepareWriter, type Load, type MoveFigures } from './writer.ts'

/** Sizes of the volume in GiB, when none are asked for: ascending, because the data grows from one to the next. */
const SIZES = [1, 4, 8]

/** MiB written a second, and how long the service may be away. */
const RATES = [
  { rate: 1, goal: 'at most 3 s' },
  { rate: 5, goal: 'at most 5 s' },
  { rate: 15, goal: 'at most 6 s' },
]

/** The rate at which the data is copied by hand as well: with the service stopped, the rate plays no part in that. */
const COPIED_AT = 5

/** Data and service from one node to another while it is written to: lab's move, and what one does without lab. */
export const bench: Bench = {
  title: 'A volume and its service from node to node, under writes',
  summary: 'lab move-volume of 1, 4 and 8 GiB (--gib) at 1, 5 and 15 MiB/s, beside stop, copy by tar over ssh, start',
  async run(session) {
    const lab = await session.lab()
    const deploy = await prepareWriter(session, lab)
    const ssh = await nodeToNode(session, lab)
    const rounds = session.options.rounds ?? 3
    const sizes = (session.options.gib.length === 0 ? SIZES : session.options.gib).toSorted((a, b) => a - b)

    const rows: Row[] = []
    const smallest = new Map<number, Row>()
    for (const size of sizes) {
      for (const { rate, goal } of RATES) {
        const load: Load = { size: size * 1024, rate }
        session.say(`${name(load)}: deploy`)
        await deploy(load)
        const moves: MoveFigures[] = []
        const copies: CopyFigures[] = []
        const restarts: number[] = []
        const sides = [
          async () => {
            const to = otherThan(lab, await owner(lab))
            session.say(`${name(load)}: lab move-volume to ${to}`)
            moves.push(await move(lab, to))
          },
          ...(rate === COPIED_AT ? [async () => void copies.push(await copyByHand(lab))] : []),
          async () => {
            session.say(`${name(load)}: restart where it is`)
            restarts.push(await restartInPlace(lab, await owner(lab)))
          },
        ]
        for (let round = 0; round < rounds; round++) {
          for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side()
        }
        const found = caseRows({ load, goal, moves, copies, restarts, smaller: smallest.get(rate) })
        if (!smallest.has(rate)) smallest.set(rate, found[0])
        rows.push(...found)
      }
    }
    return {
      rows,
      notes: [
        'downtime: from the end of the old container to the first sign of health of the new one.',
        'stop, copy, start: the same volume, by tar over ssh with the same cipher from node to node, then the same image.',
        'restart: the swarm starts the same service anew where it is, the least that any move must take.',
        `of a larger volume, the downtime may be 25 % more than of the smallest at the same rate.`,
      ],
    }

    async function copyByHand(on: Lab): Promise<CopyFigures> {
      const from = await owner(on)
      const to = otherThan(on, from)
      session.say(`stop, copy to ${to}, start`)
      return stopCopyStart(on, { from, to, ssh })
    }
  },
}

interface Found {
  readonly load: Load
  readonly goal: string
  readonly moves: readonly MoveFigures[]
  readonly copies: readonly CopyFigures[]
  readonly restarts: readonly number[]
  /** Downtime of the smallest volume at the same rate. */
  readonly smaller: Row | undefined
}

function caseRows({ load, goal, moves, copies, restarts, smaller }: Found): [Row, ...Row[]] {
  const row = (what: string, unit: Row['unit'], values: readonly number[]): Row => ({
    what: `${name(load)}: ${what}`,
    unit,
    values,
  })
  const of = (field: keyof MoveFigures) => moves.map((figures) => figures[field])
  const downtime: Row = {
    ...row('move-volume, downtime', 'ms', of('blackoutMs')),
    goal,
    ...(smaller === undefined ? {} : { against: smaller }),
  }
  const total = row('move-volume, total', 'ms', of('durationMs'))
  return [
    downtime,
    total,
    row('move-volume, rounds', 'count', of('rounds')),
    row(
      'move-volume, sent',
      'MiB',
      of('bytesSent').map((bytes) => bytes / 2 ** 20),
    ),
    { ...row('restart, downtime', 'ms', restarts), against: downtime },
    ...(copies.length === 0
      ? []
      : [
          {
            ...row(
              'stop-copy-start, downtime',
              'ms',
              copies.map(({ downtimeMs }) => downtimeMs),
            ),
            against: downtime,
          },
          {
            ...row(
              'stop-copy-start, total',
              'ms',
              copies.map(({ totalMs }) => totalMs),
            ),
            against: total,
          },
        ]),
  ]
}

function name({ size, rate }: Load): string {
  return `${String(size / 1024)} GiB, ${String(rate)} MiB/s`
}
