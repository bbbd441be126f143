import { $ } from 'zx'
import { startReader } from '../test/e2e/client.ts'
import { ON_WORKERS } from '../src/apps/transform-deploy.ts'
import type { Lab } from './lab.ts'
import { timed } from './measure.ts'
import type { Bench } from './session.ts'

// The edge is on a node of its own: what is measured is the loss of a manager, not of the way in.
const SPEC = `name: bench
nodes:
  - { name: m1, roles: [manager, build] }
  - { name: m, roles: [manager], count: 2, start: 2 }
  - { name: e1, roles: [edge] }
  - { name: w1, roles: [worker, registry, logs] }
  - { name: w2, roles: [worker] }
volumes: { poolSize: 1GiB }
`
const MANAGERS = ['m1', 'm2', 'm3']
const RETURNS = 'w2'

// Every worker has the image of an app that was deployed.
const IMAGE = `image=$(docker service inspect nodeapp_nodeapp --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}')`
const CREATE = 'docker service create --quiet --detach --no-resolve-image --endpoint-mode dnsrr'

// Asked of a manager itself, again and again until there is a leader to say yes. The task is one of an app: the
// swarm would also give it to the edge, which lacks the image, and its failure there would count.
const CREATED = `exec timeout 180 sh -c 'until ${IMAGE.replaceAll("'", '"')}; do sleep 0.2; done 2>/dev/null
until ${CREATE} --name "$1" --constraint ${ON_WORKERS} "$image" sleep infinity || docker service inspect "$1"
do sleep 0.2; done >/dev/null 2>&1' created "$1"`
const RUNNING = `exec timeout 180 sh -c 'until docker service ps "$1" --filter desired-state=running \
  --format "{{.CurrentState}}" | grep -q ^Running; do sleep 0.2; done' running "$1"`

// A task that only this node may have waits for it, and runs on it once it is of use again.
const WAITS = `${IMAGE}
${CREATE} --name waits --constraint "node.hostname==$1" --replicas 0 "$image" sleep infinity >/dev/null`
const DOWN = `exec timeout 60 sh -c 'until docker node inspect "$1" --format "{{.Status.State}}" | grep -q down
do sleep 0.2; done' down "$1"`

/** Who manages the swarm dies, and a worker comes back. */
export const bench: Bench = {
  title: 'Loss of the manager that leads, and a worker that comes back',
  summary: 'docker kill of the leader of three until new work runs; docker start of a worker until it runs a task',
  async run(session) {
    const lab = await session.newLab(SPEC)
    await lab.up()
    await lab.sample({ nodeapp: 2, nginx: 2 })
    const { edge } = await lab.status()
    if (edge === undefined) throw new Error('the edge of this lab is not published')

    const elected: number[] = []
    const scheduled: number[] = []
    const back: number[] = []
    const errors: number[] = []
    for (let round = 0; round < (session.options.rounds ?? 3); round++) {
      const leader = await leaderOf(lab)
      const other = MANAGERS.find((name) => name !== leader) ?? 'm1'
      session.say(`kill ${leader}, which leads`)
      const client = startReader(`${edge}/api/whoami`)
      await $({ quiet: true, signal: session.signal })`docker kill ${lab.container(leader)}`
      const service = `new${String(round)}`
      const created = await timed(() => lab.inside(other, ['sh', '-c', CREATED, 'created', service]))
      const running = await timed(() => lab.inside(other, ['sh', '-c', RUNNING, 'running', service]))
      elected.push(created)
      scheduled.push(created + running)
      errors.push((await client.stop()).errors.length)
      await lab.run(['up'])
      await lab.inside(other, ['docker', 'service', 'rm', service])

      session.say(`kill and start ${RETURNS}`)
      await lab.inside(other, ['sh', '-c', WAITS, 'waits', RETURNS])
      await $({ quiet: true, signal: session.signal })`docker kill ${lab.container(RETURNS)}`
      await lab.inside(other, ['sh', '-c', DOWN, 'down', RETURNS])
      await lab.inside(other, ['docker', 'service', 'scale', '--detach', 'waits=1'])
      back.push(
        await timed(async () => {
          await $({ quiet: true, signal: session.signal })`docker start ${lab.container(RETURNS)}`
          await lab.inside(other, ['sh', '-c', RUNNING, 'running', 'waits'])
        }),
      )
      await lab.inside(other, ['docker', 'service', 'rm', 'waits'])
      await lab.run(['up'])
    }
    return {
      rows: [
        { what: 'leader killed: another one takes orders', unit: 'ms', values: elected },
        { what: 'leader killed: new work runs', unit: 'ms', values: scheduled, goal: 'at most 20 s' },
        { what: 'errors of a client of the apps meanwhile', unit: 'count', values: errors, goal: 'none' },
        { what: 'worker started: it runs a task', unit: 'ms', values: back, goal: 'at most 5 s' },
      ],
      notes: ['Three managers, an edge and two workers; a manager is asked until one of them leads again.'],
    }
  },
}

async function leaderOf(lab: Lab): Promise<string> {
  const { nodes } = await lab.status()
  const leader = nodes.find(({ swarm }) => swarm === 'leader')
  if (leader === undefined) throw new Error('no manager leads')
  return leader.name
}
