import { NODE_PATHS } from '../src/model/names.ts'
import { VOLUME_PATHS } from '../src/volumes/node/paths.ts'
import type { Lab } from './lab.ts'
import { interleave, timed } from './measure.ts'
import type { Row } from './report.ts'
import type { Bench } from './session.ts'
import { move, otherThan, owner, prepareWriter, SERVED_FILE, WRITER } from './writer.ts'

/** MiB that are written anew between two moves of a volume that nothing else writes to. */
const CHANGED_MIB = 256

/** GiB of the volume that is moved, and of the one that is snapshotted and cloned. */
const MOVED_GIB = 1
const CLONED_GIB = 8

const SNAPSHOT = 'bench'
const CLONE = 'bench-writer-clone'

/** What moves, snapshots and clones cost where no writes are in their way. */
export const bench: Bench = {
  title: 'Volumes at rest: what is sent, how fast, and what snapshots and clones cost',
  summary: `bytes sent over bytes changed; an idle 1 GiB volume back; the rate from node to node; 8 GiB cloned`,
  async run(session) {
    const lab = await session.lab()
    const deploy = await prepareWriter(session, lab)
    const rounds = session.options.rounds ?? 3
    await deploy({ size: MOVED_GIB * 1024, rate: 0 })

    const rates = await transferRates(lab, rounds, session.say)
    const home = await owner(lab)
    const away = otherThan(lab, home)
    const idleMs: number[] = []
    const sentMiB: number[] = []
    await move(lab, away)
    for (let round = 0; round < rounds; round++) {
      session.say(`${String(round + 1)}/${String(rounds)} back and forth`)
      idleMs.push((await move(lab, home)).durationMs)
      await lab.inside(home, ['sh', '-euc', CHANGE, 'change', SERVED_FILE, String(CHANGED_MIB)])
      sentMiB.push((await move(lab, away)).bytesSent / 2 ** 20)
    }

    session.say(`grow it to ${String(CLONED_GIB)} GiB`)
    await deploy({ size: CLONED_GIB * 1024, rate: 0 })
    const cheap = await snapshotAndClone(lab, rounds, session.say)
    const changed: Row = { what: 'changed', unit: 'MiB', values: [CHANGED_MIB] }
    const pipe: Row = { what: 'send | receive in one node, 1 GiB', unit: 'ms', values: rates.pipe }
    return {
      rows: [
        pipe,
        { what: 'from node to node, 1 GiB', unit: 'ms', values: rates.transfer, against: pipe, goal: 'at most 1.25 ×' },
        { what: 'idle 1 GiB back to where it was, in all', unit: 'ms', values: idleMs, goal: 'under 5 s' },
        changed,
        { what: 'sent for it', unit: 'MiB', values: sentMiB, against: changed, goal: 'at most 1.3 ×' },
        { what: 'lab volume snapshot, 8 GiB', unit: 'ms', values: cheap.snapshot, goal: 'under 1 s' },
        { what: 'lab volume clone, 8 GiB', unit: 'ms', values: cheap.clone, goal: 'under 1 s' },
      ],
      notes: [
        'The pipe and the transfer carry the same snapshot; the transfer goes to another node, beside ssh, and is counted at both ends.',
        'Times of lab are those of the whole command.',
      ],
    }
  },
}

const CHANGE = 'dd if=/dev/urandom of="$1" bs=1M count="$2" seek=128 conv=notrunc,fdatasync status=none'

/** The same whole snapshot, by lab's transfer to another node and by the bare pipe in one, in milliseconds. */
async function transferRates(
  lab: Lab,
  rounds: number,
  say: (text: string) => void,
): Promise<Record<'transfer' | 'pipe', number[]>> {
  const from = await owner(lab)
  const to = otherThan(lab, from)
  const { volume } = WRITER
  await lab.run(['volume', 'snapshot', volume, SNAPSHOT])
  const snapshot = `${NODE_PATHS.pool}/snap/${volume}/${SNAPSHOT}`
  const remove = (node: string, path: string) => lab.inside(node, ['btrfs', 'subvolume', 'delete', path])
  try {
    return await interleave(
      rounds,
      {
        transfer: async () => {
          const took = await timed(() => lab.inside(from, [VOLUME_PATHS.send, 'start', volume, SNAPSHOT, '-', to]))
          await remove(to, snapshot)
          return took
        },
        pipe: async () => {
          await lab.inside(from, ['mkdir', '-p', `${NODE_PATHS.pool}/bench`])
          const took = await timed(() =>
            lab.inside(from, ['bash', '-euc', PIPE, 'pipe', snapshot, `${NODE_PATHS.pool}/bench`]),
          )
          await remove(from, `${NODE_PATHS.pool}/bench/${SNAPSHOT}`)
          return took
        },
      },
      say,
    )
  } finally {
    await lab.inside(from, ['rmdir', `${NODE_PATHS.pool}/bench`])
    await lab.run(['volume', 'snapshot', volume, '--delete', SNAPSHOT])
  }
}

const PIPE = 'set -o pipefail; btrfs send -q "$1" | btrfs receive -q "$2"; btrfs filesystem sync "$2"'

async function snapshotAndClone(
  lab: Lab,
  rounds: number,
  say: (text: string) => void,
): Promise<Record<'snapshot' | 'clone', number[]>> {
  const { volume } = WRITER
  return interleave(
    rounds,
    {
      snapshot: async () => {
        const took = await timed(() => lab.run(['volume', 'snapshot', volume, SNAPSHOT]))
        await lab.run(['volume', 'snapshot', volume, '--delete', SNAPSHOT])
        return took
      },
      clone: async () => {
        const took = await timed(() => lab.run(['volume', 'clone', volume, CLONE]))
        await lab.run(['volume', 'destroy', CLONE, '--yes'])
        return took
      },
    },
    say,
  )
}
