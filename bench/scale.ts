import { interleave, timed } from './measure.ts'
import type { Row } from './report.ts'
import type { Bench } from './session.ts'

const SERVICE = 'nodeapp_nodeapp'

// The engine's own command goes on for a while after all tasks run, to see whether they stay. What is comparable to
// lab is the moment all three are healthy: a task with a health check is "Running" then and not before.
const UNTIL_HEALTHY = `docker service scale --detach "$1=3" >/dev/null
exec timeout 120 sh -c 'until [ "$(docker service ps "$1" --filter desired-state=running \\
  --format "{{.CurrentState}}" | grep -c ^Running)" = 3 ]; do sleep 0.05; done' until "$1"`

/** Three replicas out of one: lab, and the engine it stands on. */
export const bench: Bench = {
  title: 'scale nodeapp 1 -> 3, until all three are healthy',
  summary: 'lab scale 1 -> 3 beside docker service scale on the same swarm',
  async run(session) {
    const lab = await session.lab()
    await lab.sample({ nodeapp: 1, nginx: 1 })
    session.defer(() => lab.run(['scale', 'nodeapp', '1']))
    const fromOne = async (work: () => Promise<unknown>) => {
      await lab.run(['scale', 'nodeapp', '1'])
      return timed(work)
    }
    const engine = (...argv: readonly string[]) => lab.inside(lab.manager, argv)
    const figures = await interleave(
      session.options.rounds ?? 5,
      {
        until: () => fromOne(() => engine('sh', '-euc', UNTIL_HEALTHY, 'scale', SERVICE)),
        docker: () => fromOne(() => engine('docker', 'service', 'scale', `${SERVICE}=3`)),
        lab: () => fromOne(() => lab.run(['scale', 'nodeapp', '3'])),
      },
      session.say,
    )
    const until: Row = { what: 'the engine, until 3 are healthy', unit: 'ms', values: figures.until }
    const docker: Row = { what: 'docker service scale', unit: 'ms', values: figures.docker }
    const ours = { unit: 'ms', values: figures.lab } as const
    return {
      rows: [
        until,
        docker,
        { ...ours, what: 'lab scale', against: docker, goal: 'at most 1.10' },
        { ...ours, what: 'lab scale, beside the engine until healthy', against: until },
      ],
      notes: [
        'docker service scale goes on for a while after all tasks run, to see whether they stay;',
        'lab scale also waits until the name answers with all three addresses on every node.',
      ],
    }
  },
}
