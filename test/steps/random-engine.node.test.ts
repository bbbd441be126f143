import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { quote } from '../../src/shell/quote.ts'
import { dockerContainer } from '../../src/steps/docker-container.ts'
import { dockerImage, importedTag } from '../../src/steps/docker-image.ts'
import { dockerNetwork } from '../../src/steps/docker-network.ts'
import { nodeLabel } from '../../src/steps/node-label.ts'
import { configName, swarmConfig } from '../../src/steps/swarm-config.ts'
import { swarmMember } from '../../src/steps/swarm-member.ts'
import { swarmNode } from '../../src/steps/swarm-node.ts'
import { secretName, swarmSecret } from '../../src/steps/swarm-secret.ts'
import { swarmSettings } from '../../src/steps/swarm-settings.ts'
import { useNode } from '../node-fixture.ts'
import { startEngine } from './engine-node.ts'
import { RUNS, settle } from './random-state.ts'

const IMAGE = '127.0.0.1:5000/hello:1'
const node = useNode()
const { sh } = node
beforeAll(() => startEngine(node.connection, { swarm: true }))

test('an image, whatever is under its tag', async () => {
  await sh(`docker pull -q ${IMAGE}`)
  const digest = (await sh(`docker image inspect -f '{{index .RepoDigests 0}}' ${IMAGE}`)).replace(/^.*@/, '')
  const made = { script: 'echo odd >"$1/odd"', changes: ['CMD ["/odd"]'] }
  const other = `echo other >/srv/hello/text; tar -C /srv/hello -cf - . | docker import - ${IMAGE}`
  const state = fc.constantFrom(':', other, `docker pull -q ${IMAGE}`, `docker tag $(docker pull -q ${IMAGE}) also:1`)
  const wish = fc.constantFrom(
    dockerImage({ tag: IMAGE, pull: true }),
    dockerImage({ tag: IMAGE, pull: true, digest }),
    dockerImage({ tag: IMAGE, absent: true }),
    dockerImage({ tag: importedTag('odd', made), ...made }),
  )
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, step) => {
      await settle(node, `docker image prune -af >/dev/null; ${script}`, step)
      const [, tag = ''] = step.title.split('image ')
      const found = await sh(`docker image ls -q ${tag}`)
      expect(found === '').toBe(step.title.startsWith('remove'))
    }),
    RUNS,
  )
  await sh(`docker image prune -af >/dev/null; docker pull -q ${IMAGE}; docker tag ${IMAGE} also:1`)
})

test('a network, whatever there was by its name', async () => {
  const state = fc.constantFrom(
    ':',
    'docker network create odd',
    'docker network create --internal --subnet 10.85.7.0/24 odd',
    'docker network create -d overlay odd',
    'docker network create -d overlay --attachable odd',
  )
  const wish = fc.constantFrom(
    dockerNetwork({ name: 'odd', driver: 'bridge' }),
    dockerNetwork({ name: 'odd', driver: 'bridge', internal: true, subnet: '10.85.7.0/24', linkMtu: 1400 }),
    dockerNetwork({ name: 'odd', driver: 'overlay' }),
    dockerNetwork({ name: 'odd', absent: true }),
  )
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, step) => {
      const gone =
        'docker network rm odd >/dev/null 2>&1 || true; while docker network inspect odd >/dev/null 2>&1; do sleep 0.1; done\n'
      await settle(node, gone + script, step)
      const drivers = await sh(`docker network ls -f name=odd --format '{{.Driver}}'`)
      expect(drivers).toBe(/^(bridge|overlay)/.exec(step.title)?.[1] ?? '')
    }),
    RUNS,
  )
})

test('a container, whatever it was', async () => {
  const run = `docker run -d --name odd --network none ${IMAGE}`
  const state = fc.constantFrom(
    ':',
    run,
    `${run}; docker stop -t 0 odd`,
    `${run}; docker pause odd`,
    'docker create --name odd also:1',
  )
  const env = fc.constantFrom({}, { A: "it's $1" })
  const wish = fc.oneof(
    env.map((variables) => dockerContainer({ name: 'odd', image: IMAGE, env: variables, networks: [] })),
    fc.constant(dockerContainer({ name: 'odd', image: IMAGE, command: ['/busybox', 'sleep', '999'] })),
    fc.constant(dockerContainer({ name: 'odd', absent: true })),
  )
  const before = fc.option(wish, { nil: undefined })
  const drift = fc.constantFrom(':', 'docker pause odd', 'docker stop -t 0 odd', 'docker rename odd odd2')
  await fc.assert(
    fc.asyncProperty(state, before, drift, wish, async (script, earlier, drifted, step) => {
      await sh(`docker rm -f odd odd2 >/dev/null 2>&1 || true\n${script}`)
      if (earlier !== undefined) await settle(node, ':', earlier)
      await settle(node, `${drifted} >/dev/null 2>&1 || true`, step)
      const found = await sh(`docker ps -a -f name='^/odd$' --format '{{.State}}'`)
      expect(found).toBe(step.title.startsWith('remove') ? '' : 'running')
    }),
    RUNS,
  )
  await sh('docker rm -f odd odd2 >/dev/null 2>&1 || true')
})

const value = fc.constantFrom('1', 'a=b c', "it's")

test('labels and availability of a node, whatever they were', async () => {
  const labels = fc.dictionary(fc.constantFrom('rack', 'disk', 'lab.role.worker', 'lab.role.edge'), value)
  const state = fc.tuple(labels, fc.constantFrom('active', 'pause', 'drain')).map(([all, availability]) => {
    const add = Object.entries(all).map(([key, each]) => `--label-add ${quote(`${key}=${each}`)}`)
    return `for l in $(docker node inspect -f '{{range $k, $v := .Spec.Labels}}{{$k}} {{end}}' node1); do docker node update --label-rm $l node1 >/dev/null; done
docker node update --availability ${availability} ${add.join(' ')} node1`
  })
  const found = async () =>
    JSON.parse(await sh(`docker node inspect -f '{{json .Spec.Labels}}' node1`)) as Record<string, string>
  await fc.assert(
    fc.asyncProperty(state, labels, async (script, wanted) => {
      await settle(node, script, swarmNode({ name: 'node1', labels: wanted }))
      expect(await found()).toMatchObject(wanted)
      expect(Object.keys(await found()).filter((key) => key.startsWith('lab.role.') && !(key in wanted))).toEqual([])
    }),
    RUNS,
  )
  const own = fc.dictionary(fc.constantFrom('rack', 'disk'), fc.option(value), { minKeys: 1 })
  await fc.assert(
    fc.asyncProperty(state, own, async (script, wanted) => {
      await settle(node, script, nodeLabel({ node: 'node1', labels: wanted }))
      for (const [key, to] of Object.entries(wanted)) expect((await found())[key] ?? null).toBe(to)
    }),
    RUNS,
  )
})

test('configs and secrets, whatever versions there were', async () => {
  const content = fc.constantFrom('one', 'two', "it's\n$3\n")
  const wish = fc.option(content, { nil: undefined })
  const versions = fc.subarray(['one', 'two', 'three'])
  const none = `docker config ls -q | xargs -r docker config rm >/dev/null; docker secret ls -q | xargs -r docker secret rm >/dev/null
echo x | docker config create odd-somebodys - >/dev/null`
  await fc.assert(
    fc.asyncProperty(versions, wish, async (were, wanted) => {
      const make = were.flatMap((each) => [
        `printf %s ${each} | docker config create -l lab.config=odd ${configName({ name: 'odd', content: each })} - >/dev/null`,
        `printf %s ${each} | docker secret create -l lab.secret=odd ${secretName({ name: 'odd', content: each })} - >/dev/null`,
      ])
      const state = [none, ...make].join('\n')
      await settle(
        node,
        state,
        swarmConfig(wanted === undefined ? { name: 'odd', absent: true } : { name: 'odd', content: wanted }),
      )
      await settle(
        node,
        ':',
        swarmSecret(wanted === undefined ? { name: 'odd', absent: true } : { name: 'odd', content: wanted }),
      )
      const names = (await sh(`docker config ls --format '{{.Name}}'; docker secret ls --format '{{.Name}}'`)).split(
        '\n',
      )
      expect(names).toContain('odd-somebodys')
      if (wanted === undefined) expect(names).toEqual(['odd-somebodys'])
      else {
        expect(names).toEqual(
          expect.arrayContaining([
            configName({ name: 'odd', content: wanted }),
            secretName({ name: 'odd', content: wanted }),
          ]),
        )
        const data = await sh(
          `docker config inspect -f '{{json .Spec.Data}}' ${configName({ name: 'odd', content: wanted })}`,
        )
        expect(Buffer.from(JSON.parse(data) as string, 'base64').toString()).toBe(wanted)
      }
    }),
    RUNS,
  )
})

test('settings and membership of a swarm, whatever they were', async () => {
  const settings = fc.record({ heartbeatMs: fc.constantFrom(1000, 5000), taskHistory: fc.integer({ min: 1, max: 9 }) })
  await fc.assert(
    fc.asyncProperty(settings, settings, async (was, wanted) => {
      const set = `--dispatcher-heartbeat=${String(was.heartbeatMs)}ms --task-history-limit=${String(was.taskHistory)}`
      await settle(node, `docker swarm update ${set}`, swarmSettings(wanted))
      expect(await sh(`docker info -f '{{.Swarm.Cluster.Spec.Orchestration.TaskHistoryRetentionLimit}}'`)).toBe(
        String(wanted.taskHistory),
      )
    }),
    RUNS,
  )
  const address = await sh(`ip -4 -o addr show dev eth0 | awk '{ sub("/.*", "", $4); print $4; exit }'`)
  const founding = { dataPathPort: 4799, addressPool: '10.240.0.0/16', heartbeatMs: 1000, taskHistory: 2 }
  const step = swarmMember({ role: 'manager', address, managers: [{ name: 'node1', address }], founding })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(':', 'docker swarm leave -f'), (state) => settle(node, state, step)),
    { numRuns: 2, examples: [['docker swarm leave -f']] },
  )
  expect(await sh(`docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'`)).toBe('active true')
})
