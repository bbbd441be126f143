import { expect, test } from 'vitest'
import { LABELS } from '../../src/model/names.ts'
import { dockerContainer, type DockerContainer } from '../../src/steps/docker-container.ts'
import { engine } from './engine-case.ts'
import { consider } from './step-case.ts'

const options: DockerContainer = {
  name: 'lab-edge',
  image: 'lab-edge:latest',
  networks: [{ name: 'lab' }, { name: 'lab-edge', address: '10.88.255.2' }],
  mounts: [{ source: '/etc/lab/edge', target: '/etc/haproxy' }],
}
const images = new Map([['lab-edge:latest', 'sha256:aaaaaaaaaaaaaaaa']])

/** The container as it is after the step made it from `made`. */
async function asMade(made: DockerContainer) {
  const { commands } = await consider(dockerContainer(made), { engine: engine({ images }) })
  const body = JSON.parse(String(commands[0]?.stdin)) as { Labels: Record<string, string> }
  return {
    name: made.name,
    running: true,
    imageId: 'sha256:aaaaaaaaaaaaaaaa',
    definition: body.Labels[LABELS.specDigest] ?? '',
    networks: (made.networks ?? []).map(({ name }) => name),
  }
}
const seen = async (change: Partial<Awaited<ReturnType<typeof asMade>>> = {}, wanted = options) =>
  consider(dockerContainer(wanted), {
    engine: engine({ images, containers: new Map([[options.name, { ...(await asMade(options)), ...change }]]) }),
  })
const calls = ({ commands }: Awaited<ReturnType<typeof seen>>) => commands.map(({ argv }) => argv.slice(-2).join(' '))

test('a container that is missing is created, put on its further networks and started', async () => {
  const made = await consider(dockerContainer(options), { engine: engine({ images }) })
  expect(calls(made)).toEqual([
    'POST /containers/create?name=lab-edge',
    'POST /networks/lab-edge/connect',
    'POST /containers/lab-edge/start',
  ])
  expect(JSON.parse(String(made.commands[0]?.stdin))).toMatchObject({
    Image: 'lab-edge:latest',
    HostConfig: {
      NetworkMode: 'lab',
      RestartPolicy: { Name: 'always' },
      Mounts: [{ Type: 'bind', Source: '/etc/lab/edge', Target: '/etc/haproxy', ReadOnly: true }],
    },
  })
  expect(JSON.parse(String(made.commands[1]?.stdin))).toEqual({
    Container: 'lab-edge',
    EndpointConfig: { IPAMConfig: { IPv4Address: '10.88.255.2' } },
  })
})

test("only for the lab's own first container on the overlay an engine may be restarted", async () => {
  const start = async (name: string) =>
    calls(await consider(dockerContainer({ ...options, name }), { engine: engine({ images }) })).at(-1)
  expect(await start('lab-probe')).toBe('/containers/lab-probe/start restart')
  expect(await start('lab-edge')).toBe('POST /containers/lab-edge/start')
  expect(await start('web')).toBe('POST /containers/web/start')
})

test('one that runs as defined is left alone', async () => {
  expect((await seen()).changes).toEqual([])
})

test('another definition, another image under the tag, a lost network and a stop are each seen, and make it anew', async () => {
  const differ = await seen(
    {},
    { ...options, networks: [{ name: 'lab' }, { name: 'lab-edge', address: '10.88.255.3' }] },
  )
  expect(differ.changes.map(({ path }) => path)).toEqual(['definition'])
  expect((await seen({ imageId: 'sha256:bbbbbbbbbbbbbbbb' })).changes).toEqual([
    { path: 'image', from: 'bbbbbbbbbbbb', to: 'aaaaaaaaaaaa' },
  ])
  expect((await seen({ networks: ['lab-edge'] })).changes).toEqual([{ path: 'network', from: 'lab-edge', to: 'lab' }])
  const stopped = await seen({ running: false })
  expect(stopped.changes).toEqual([{ path: 'running', from: 'no', to: 'yes' }])
  expect(calls(stopped)[0]).toBe('DELETE /containers/lab-edge?force=1&v=1')
  expect(calls(stopped)).toHaveLength(4)
})

test("somebody else's container under the name is in the way and is replaced", async () => {
  expect(calls(await seen({ definition: '' }))[0]).toBe('DELETE /containers/lab-edge?force=1&v=1')
})

test('without its image, nothing is done', async () => {
  await expect(consider(dockerContainer(options), { engine: engine() })).rejects.toThrow('no image lab-edge:latest')
})

test('ports, volumes and an environment are part of what it is', async () => {
  const wanted = dockerContainer({
    name: 'web',
    image: 'lab-edge:latest',
    env: { MODE: 'fast' },
    ports: [
      { node: 8080, container: 80 },
      { node: 8081, container: 80, address: '127.0.0.1' },
      { node: 53, container: 53, protocol: 'udp' },
    ],
    mounts: [{ source: 'data', target: '/data', writable: true }],
  })
  const { commands } = await consider(wanted, { engine: engine({ images }) })
  expect(JSON.parse(String(commands[0]?.stdin))).toMatchObject({
    Env: ['MODE=fast'],
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    HostConfig: {
      NetworkMode: 'bridge',
      Mounts: [{ Type: 'volume', Source: 'data', ReadOnly: false }],
      PortBindings: {
        '80/tcp': [
          { HostIp: '', HostPort: '8080' },
          { HostIp: '127.0.0.1', HostPort: '8081' },
        ],
        '53/udp': [{ HostIp: '', HostPort: '53' }],
      },
    },
  })
})

test('a container that has to go is removed, and only where it is', async () => {
  const wanted = dockerContainer({ name: 'lab-edge', absent: true })
  expect((await consider(wanted, { engine: engine() })).changes).toEqual([])
  const containers = new Map([['lab-edge', await asMade(options)]])
  const { changes, commands } = await consider(wanted, { engine: engine({ containers }) })
  expect(changes).toEqual([{ path: 'container', from: 'lab-edge', to: undefined }])
  expect(commands[0]?.argv.slice(-2)).toEqual(['DELETE', '/containers/lab-edge?force=1&v=1'])
})

test('a name that is none is refused before it reaches the engine', () => {
  expect(() => dockerContainer({ ...options, name: 'a/../b' })).toThrow('not a container name')
})
