import { beforeAll, expect, test } from 'vitest'
import { observedBy } from '../../src/executor/evaluate.ts'
import { ask, questionnaire } from '../../src/executor/gather.ts'
import { dockerContainer } from '../../src/steps/docker-container.ts'
import { dockerImage } from '../../src/steps/docker-image.ts'
import { dockerNetwork } from '../../src/steps/docker-network.ts'
import { nodeLabel } from '../../src/steps/node-label.ts'
import { service } from '../../src/steps/service.ts'
import { configName, swarmConfig } from '../../src/steps/swarm-config.ts'
import { secretName, swarmSecret } from '../../src/steps/swarm-secret.ts'
import { useNode } from '../node-fixture.ts'
import { startEngine } from './engine-node.ts'
import { converge, runSteps } from './play-runner.ts'

const IMAGE = '127.0.0.1:5000/hello:1'

const node = useNode()
const { sh } = node
beforeAll(async () => {
  await startEngine(node.connection, { swarm: true })
})

const firstError = async (...steps: Parameters<typeof runSteps>[1][number][]) =>
  (await runSteps(node, steps)).summary.errors[0]

test('an image is pulled, told by its digest, and removed', async () => {
  const image = dockerImage({ tag: IMAGE, pull: true })
  expect(await converge(node, [image])).toEqual([['image']])
  const digest = (await sh(`docker image inspect -f '{{index .RepoDigests 0}}' ${IMAGE}`)).replace(/^.*@/, '')
  const pinned = dockerImage({ tag: IMAGE, pull: true, digest })
  expect(await converge(node, [pinned])).toEqual([[]])
  await sh(`echo other >/srv/hello/text; tar -C /srv/hello -cf - . | docker import - ${IMAGE}`)
  expect(await converge(node, [pinned])).toEqual([['image']])
  expect(await converge(node, [dockerImage({ tag: IMAGE, absent: true })])).toEqual([['image']])
  const none = await firstError(dockerImage({ tag: '127.0.0.1:5000/none:1', pull: true }))
  expect(none).toMatchObject({ code: 'STEP_FAILED' })
  expect(none?.message).toContain('not found')
})

test('a container runs on its network with ports and volumes, is mended after every drift, and is removed', async () => {
  const wanted = { name: 'web', image: IMAGE, networks: [{ name: 'backend', address: '10.85.1.7' }] }
  const steps = (env: Readonly<Record<string, string>>) => [
    dockerImage({ tag: IMAGE, pull: true }),
    dockerNetwork({ name: 'backend', driver: 'bridge', subnet: '10.85.1.0/24' }),
    dockerContainer({
      ...wanted,
      command: ['/busybox', 'httpd', '-f', '-p', '80', '-h', '/data'],
      ports: [{ node: 8123, container: 80 }],
      mounts: [{ source: '/srv/data', target: '/data', writable: true }],
      env,
    }),
  ]
  await sh('mkdir -p /srv/data; echo welcome >/srv/data/greeting')
  expect(await converge(node, steps({ A: '1' }))).toEqual([['image'], ['network'], ['container']])
  expect(await sh(`docker inspect -f '{{.NetworkSettings.Networks.backend.IPAddress}} {{.Config.Env}}' web`)).toMatch(
    /^10\.85\.1\.7 \[A=1/,
  )
  expect(await sh('curl -fsS http://10.85.1.7/greeting; docker port web')).toBe('welcome\n80/tcp -> 0.0.0.0:8123')
  const drifts = [
    ['docker stop -t 0 web', 'running'],
    ['docker network disconnect backend web', 'network'],
    ['docker rm -f web', 'container'],
  ] as const
  for (const [drift, path] of drifts) {
    await sh(drift)
    expect(await converge(node, steps({ A: '1' }))).toEqual([[], [], [path]])
  }
  expect(await converge(node, steps({ A: '2' }))).toEqual([[], [], ['definition']])
  await sh('docker run -d --name theirs --network none --entrypoint /busybox 127.0.0.1:5000/hello:1 sleep 999')
  const theirs = dockerContainer({ name: 'theirs', image: IMAGE, command: ['/busybox', 'sleep', '9'], networks: [] })
  expect(await converge(node, [theirs])).toEqual([['definition']])
  const absent = [
    dockerContainer({ name: 'web', absent: true }),
    dockerContainer({ name: 'theirs', absent: true }),
    dockerNetwork({ name: 'backend', absent: true }),
  ]
  expect(await converge(node, absent)).toEqual([['container'], ['container'], ['network']])
  expect(await sh('docker ps -aq; docker network ls -q -f name=backend')).toBe('')
  expect(await firstError(dockerContainer({ name: 'web', image: 'none:1' }))).toMatchObject({ code: 'NO_IMAGE' })
})

test('a network that differs is made anew; one nobody described in full is left to the engine', async () => {
  const backend = { name: 'backend', driver: 'bridge' } as const
  expect(await converge(node, [dockerNetwork(backend)])).toEqual([['network']])
  expect(await converge(node, [dockerNetwork({ ...backend, internal: true, linkMtu: 1400 })])).toEqual([
    ['internal', 'mtu of the link'],
  ])
  expect(await sh(`docker network inspect -f '{{.Internal}}' backend`)).toBe('true')
})

test('a config is pinned by its content; earlier versions stay while they are used, and go with the next', async () => {
  const of = (content: string) => ({ name: 'settings', content })
  expect(await converge(node, [swarmConfig(of('one'))])).toEqual([[`version ${configName(of('one'))}`]])
  await sh(`docker service create -q --detach --name user --config ${configName(of('one'))} --replicas 0 ${IMAGE}`)
  expect(await converge(node, [swarmConfig(of('two'))])).toEqual([[`version ${configName(of('two'))}`]])
  expect(await converge(node, [swarmConfig(of('three'))])).toEqual([
    [`version ${configName(of('three'))}`, `version ${configName(of('two'))}`],
  ])
  expect(await sh(`docker config inspect -f '{{printf "%s" .Spec.Data}}' ${configName(of('three'))}`)).toBe('three')
  const gone = swarmConfig({ name: 'settings', absent: true })
  expect((await firstError(gone))?.message).toContain('is in use')
  await sh('docker service rm user; docker config create settings-of-somebody-else /etc/hostname')
  await converge(node, [gone])
  expect(await sh(`docker config ls --format '{{.Name}}'`)).toBe('settings-of-somebody-else')
})

test('a secret is made and made anew when it was removed by hand; nobody sees it', async () => {
  const content = 'correct horse battery staple'
  const wanted = { name: 'password', content }
  const ran = await runSteps(node, [swarmSecret(wanted)], { diff: true })
  expect(ran.outcomes).toEqual(['swarm secret password: changed'])
  await sh(`docker secret rm ${secretName(wanted)}`)
  expect(await converge(node, [swarmSecret(wanted)])).toEqual([[`version ${secretName(wanted)}`]])
  const shown = JSON.stringify(ran.events)
  expect(shown).not.toContain('horse')
  expect(shown).not.toContain(Buffer.from(content).toString('base64'))
  expect(await sh('grep -rlE "horse battery|Y29ycmVjdCBob3" /run /tmp /root /var/log 2>/dev/null || true')).toBe('')
  const reads = `[ "$(/busybox cat /run/secrets/it)" = "${content}" ]`
  await sh(`docker service create -q --detach --name reader --mode replicated-job --restart-condition none \\
    --secret source=${secretName(wanted)},target=it ${IMAGE} /busybox sh -c '${reads}'
n=0
until docker service ps --format '{{.CurrentState}}' reader | grep -q '^Complete'; do
  [ $((n += 1)) -lt 300 ] || { docker service ps --no-trunc reader >&2; exit 1; }
  sleep 0.1
done
docker service rm reader`)
  expect(await converge(node, [swarmSecret({ name: 'password', absent: true })])).toEqual([
    [`version ${secretName(wanted)}`],
  ])
})

test('labels of a node are set and taken away, and others left alone', async () => {
  const label = nodeLabel({ node: 'node1', labels: { rack: 'a=b c', former: null } })
  await sh('docker node update --label-add former=1 --label-add theirs=x node1')
  expect(await converge(node, [label])).toEqual([['label rack', 'label former']])
  await sh('docker node update --label-rm rack node1')
  expect(await converge(node, [label])).toEqual([['label rack']])
  expect(await sh(`docker node inspect -f '{{.Spec.Labels}}' node1`)).toBe('map[rack:a=b c theirs:x]')
  expect((await firstError(nodeLabel({ node: 'node9', labels: { rack: 'a' } })))?.message).toContain('no node node9')
})

test('a run that ended between any two calls to the engine is finished by the next', async () => {
  const networks = [{ name: 'first' }, { name: 'second' }]
  const steps = [
    dockerNetwork({ name: 'first', driver: 'bridge', internal: true }),
    dockerNetwork({ name: 'second', driver: 'bridge' }),
    dockerContainer({ name: 'cut', image: IMAGE, networks, env: { A: '2' } }),
    swarmConfig({ name: 'cut', content: 'new' }),
  ]
  for (const [index, step] of steps.entries()) {
    for (let calls = 0; ; calls++) {
      await sh(`docker rm -f cut 2>/dev/null; docker config ls -qf name=cut | xargs -r docker config rm
docker network inspect first >/dev/null 2>&1 || docker network create first
docker run -d --name cut --network first ${IMAGE}
echo old | docker config create -l lab.config=cut cut-old -`)
      if (index < 2) await sh(`docker rm -f cut; docker network rm ${index === 0 ? 'first' : 'second'} || true`)
      const observed = observedBy(step, await ask(node.connection, questionnaire(step.queries)))
      const context = { node: node.nodes[0]!, read: () => Promise.reject(new Error('no other node is read')) }
      const commands = await step.apply(step.diff(observed, new Set()), observed, context)
      for (const command of commands.slice(0, calls)) expect((await node.connection.exec(command)).status).toBe(0)
      const { summary } = await runSteps(node, steps)
      expect(summary.errors, `${step.title}, ended after ${String(calls)} calls`).toEqual([])
      expect((await runSteps(node, steps, { mode: 'plan' })).outcomes.filter((line) => !line.endsWith(': ok'))).toEqual(
        [],
      )
      if (calls === commands.length) break
    }
  }
})

test('while the engine is down nothing is claimed: a plan says maybe where it is about to start', async () => {
  await sh('systemctl stop docker.socket docker')
  const steps = [service({ unit: 'docker', running: true }), swarmConfig({ name: 'late', content: 'x' })]
  expect((await runSteps(node, steps, { mode: 'plan' })).outcomes.map((line) => line.replace(/^.*: /, ''))).toEqual([
    'would-change',
    'maybe',
  ])
  expect(await sh('systemctl is-active docker || true')).not.toBe('active')
  const alone = await runSteps(node, steps.slice(1))
  expect(alone.summary.errors[0]).toMatchObject({ code: 'FACT_UNAVAILABLE' })
})
