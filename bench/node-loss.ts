import { appendFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { startReader } from '../test/e2e/client.ts'
import type { Lab } from './lab.ts'
import { timed } from './measure.ts'
import type { Row } from './report.ts'
import type { Bench, Session } from './session.ts'

const REPLICAS = 3

// Asked of the manager itself, so that nothing but the swarm is waited for.
const ALL_ELSEWHERE = `exec timeout 120 sh -c 'until
  tasks=$(docker service ps nodeapp_nodeapp nginx_nginx --filter desired-state=running \\
    --format "{{.Name}} {{.Node}} {{.CurrentState}}" | grep -v " $1 " | grep " Running")
  [ "$(echo "$tasks" | grep -c ^nodeapp)" = ${String(REPLICAS)} ] &&
    [ "$(echo "$tasks" | grep -c ^nginx)" = ${String(REPLICAS)} ]
do sleep 0.05; done' until "$1"`

/** A node dies; replicas come and go. What a client sees of it. */
export const bench: Bench = {
  title: 'Loss of a node, and change of replicas, under a client that asks every 20 ms',
  summary:
    'docker kill of each worker until all replicas run elsewhere; errors a client sees meanwhile, and while scaling',
  async run(session) {
    const lab = await session.lab()
    await lab.sample({ nodeapp: REPLICAS, nginx: REPLICAS })
    // Whatever happens, the lab is whole afterwards.
    session.defer(() => lab.run(['up']))
    const { edge } = await lab.status()
    if (edge === undefined) throw new Error('the edge of this lab is not published')
    const url = `${edge}/api/whoami`

    const lost = { elsewhere: [] as number[], errors: [] as number[], status: [] as number[], requests: 0 }
    for (let round = 0; round < (session.options.rounds ?? 1); round++) {
      for (const victim of lab.workers) {
        session.say(`kill ${victim}`)
        await settle(lab, victim)
        const client = startReader(url)
        await $({ quiet: true, signal: session.signal })`docker kill ${lab.container(victim)}`
        const tookMs = timed(() => lab.inside(lab.manager, ['sh', '-c', ALL_ELSEWHERE, 'watch', victim]))
        try {
          lost.status.push(await timed(() => lab.run(['status'])))
          lost.elsewhere.push(await tookMs)
        } finally {
          const seen = await client.stop()
          lost.errors.push(seen.errors.length)
          lost.requests += seen.requests
          for (const error of seen.errors.slice(0, 5)) session.say(error)
        }
        await lab.run(['up'])
      }
    }
    const change = await changes(session, lab, url)
    const errors = (what: string, values: readonly number[]): Row => ({ what, unit: 'count', values, goal: 'none' })
    return {
      rows: [
        { what: 'all replicas run elsewhere', unit: 'ms', values: lost.elsewhere, goal: 'at most 6 s' },
        errors('errors of the client meanwhile', lost.errors),
        { what: 'lab status right after the loss', unit: 'ms', values: lost.status },
        errors('errors during scale nodeapp 3 -> 6 -> 2', [change.scale]),
        errors('errors during a deploy of a new version', [change.deploy]),
      ],
      notes: [
        `nodeapp and nginx at ${String(REPLICAS)}, mongo on another node; each worker was killed in turn; ` +
          `${String(lost.requests)} requests while one was away.`,
      ],
    }
  },
}

/** Replicas in number, the database elsewhere, and a share of the replicas on the node that is to die. */
async function settle(lab: Lab, victim: string): Promise<void> {
  const survivor = lab.workers.find((node) => node !== victim) ?? victim
  await lab.run(['move-volume', 'mongo', survivor])
  // From one up, so that the swarm spreads them: after a loss, none are on the node that came back.
  for (const service of ['nodeapp', 'nginx']) {
    await lab.run(['scale', service, '1'])
    await lab.run(['scale', service, String(REPLICAS)])
  }
}

async function changes(session: Session, lab: Lab, url: string): Promise<{ scale: number; deploy: number }> {
  const errorsDuring = async (work: () => Promise<unknown>) => {
    const client = startReader(url)
    let errors: readonly string[] = []
    try {
      await work()
    } finally {
      errors = (await client.stop()).errors
    }
    for (const error of errors.slice(0, 5)) session.say(error)
    return errors.length
  }
  session.say('scale nodeapp 3 -> 6 -> 2')
  const scale = await errorsDuring(async () => {
    await lab.run(['scale', 'nodeapp', '6'])
    await lab.run(['scale', 'nodeapp', '2'])
  })
  session.say('deploy a new version of nodeapp')
  const source = join(session.temporary, 'nodeapp')
  await cp(join(session.root, 'apps/nodeapp'), source, {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  })
  await appendFile(join(source, 'src/main.js'), `\n// ${String(Date.now())}\n`)
  const deploy = await errorsDuring(() => lab.run(['deploy', source]))
  session.defer(() => lab.run(['deploy', 'nodeapp']))
  return { scale, deploy }
}
