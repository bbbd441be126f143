import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { nodeToNode } from './node-to-node.ts'
import type { Row } from './report.ts'
import type { Bench } from './session.ts'
import { stopCopyStart, WRITER, type CopyFigures } from './stop-copy-start.ts'
import type { VolumesDocument } from '../src/model/documents.ts'

/** A volume of this size, written to at this rate, in MiB and MiB a second. */
interface Case {
  readonly size: number
  readonly rate: number
}

const CASES: readonly Case[] = [
  { size: 1024, rate: 1 },
  { size: 1024, rate: 5 },
  { size: 4096, rate: 5 },
]

interface MoveFigures {
  readonly rounds: number
  readonly bytesSent: number
  readonly blackoutMs: number
  readonly durationMs: number
}

/** Data and service from one node to another while it is written to: lab's move, and what one does without lab. */
export const bench: Bench = {
  title: 'A volume and its service from node to node, under writes',
  summary: 'lab move-volume of 1 and 4 GiB under writes, beside stop, copy by tar over ssh, start, of the same data',
  async run(session) {
    const lab = await session.lab()
    const source = join(session.temporary, WRITER.app)
    await cp(join(session.root, 'bench/volume-app'), source, { recursive: true })
    session.defer(() => lab.run(['rm', WRITER.app]))
    const ssh = await nodeToNode(session, lab)

    const rows: Row[] = []
    let smaller: Row | undefined
    for (const each of CASES) {
      session.say(`${name(each)}: deploy`)
      await lab.run([
        'deploy',
        source,
        '--set',
        `sizeMiB=${String(each.size)}`,
        '--set',
        `rateMiB=${String(each.rate)}`,
      ])
      const moves: MoveFigures[] = []
      const copies: CopyFigures[] = []
      const sides = [
        async () => {
          const to = otherThan(lab, await owner(lab))
          session.say(`${name(each)}: lab move-volume to ${to}`)
          moves.push(await lab.last<MoveFigures>(['move-volume', WRITER.volume, to]))
        },
        async () => {
          const from = await owner(lab)
          const to = otherThan(lab, from)
          session.say(`${name(each)}: stop, copy to ${to}, start`)
          copies.push(await stopCopyStart(lab, { from, to, ssh }))
        },
      ]
      for (let round = 0; round < (session.options.rounds ?? 3); round++) {
        for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side()
      }
      const found = caseRows(each, moves, copies, smaller)
      if (each.size === 1024) smaller = found[0]
      rows.push(...found)
    }
    return {
      rows,
      notes: [
        'downtime: from the end of the old container to the first sign of health of the new one.',
        'stop, copy, start: the same volume, by tar over ssh with the same cipher from node to node, then the same image.',
        ...(session.options.lab === undefined
          ? []
          : [`the volume ${WRITER.volume} stays: lab has no command that removes data.`]),
      ],
    }
  },
}

function caseRows(
  each: Case,
  moves: readonly MoveFigures[],
  copies: readonly CopyFigures[],
  smaller: Row | undefined,
): [Row, ...Row[]] {
  const row = (what: string, unit: Row['unit'], values: readonly number[]): Row => ({
    what: `${name(each)}: ${what}`,
    unit,
    values,
  })
  const downtime = {
    ...row(
      'move-volume, downtime',
      'ms',
      moves.map(({ blackoutMs }) => blackoutMs),
    ),
    goal: each.size === 1024 ? 'at most 5 s' : 'within 25 % of 1 GiB',
    ...(each.size === 1024 || smaller === undefined ? {} : { against: smaller }),
  }
  const total = row(
    'move-volume, total',
    'ms',
    moves.map(({ durationMs }) => durationMs),
  )
  return [
    downtime,
    total,
    row(
      'move-volume, rounds',
      'count',
      moves.map(({ rounds }) => rounds),
    ),
    row(
      'move-volume, sent',
      'MiB',
      moves.map(({ bytesSent }) => bytesSent / 2 ** 20),
    ),
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
  ]
}

function name({ size, rate }: Case): string {
  return `${String(size / 1024)} GiB, ${String(rate)} MiB/s`
}

async function owner(lab: Lab): Promise<string> {
  const { volumes } = await lab.last<VolumesDocument>(['volumes'])
  const volume = volumes.find((each) => each.name === WRITER.volume)
  if (volume === undefined) throw new Error(`there is no volume ${WRITER.volume}`)
  return volume.owner
}

function otherThan(lab: Lab, node: string): string {
  const { workers } = lab
  return workers[(workers.indexOf(node) + 1) % workers.length] ?? node
}
