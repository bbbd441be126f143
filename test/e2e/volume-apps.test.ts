import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, lab, labDirectory, labDocument, labEvents, labOk, writeFiles } from './harness.ts'

interface Inspected {
  readonly owner: string
  readonly epoch: number
  readonly limitBytes?: number
  readonly keep: Readonly<Record<string, number>>
  readonly hooks: { readonly pre?: readonly string[] }
  readonly replicas: readonly { readonly node: string; readonly everyMs: number }[]
}

/** Holds a volume and does nothing. */
const DOCKERFILE = `FROM debian:trixie-slim
CMD ["sleep", "infinity"]
`
const compose = (volume: string) => `services:
  keeper:
    build: .
    init: true
    volumes: ["data:/data"]
volumes:
  data:${volume}
`
const WISHES = `
    x-lab:
      limit: 512MiB
      replicate: { to: node3, every: 2s }
      keep: { hourly: 2 }
      hooks: { pre: "echo pre >>/data/hooks" }`

const inspect = () => labDocument<Inspected>(['volume', 'inspect', 'keeper-data'])
const apps = ['keeper', 'second']

beforeAll(async () => {
  await labOk(['up'])
  for (const app of apps) await mkdir(join(labDirectory(), app), { recursive: true })
})
afterAll(async () => {
  for (const app of apps) {
    await lab(['rm', app])
    await rm(join(labDirectory(), app), { recursive: true, force: true })
  }
  // At once: the containers of the service are still on their way out.
  await labOk(['volume', 'destroy', 'keeper-data', '--yes'])
})

const write = (app: string, composeText: string) =>
  writeFiles(join(labDirectory(), app), { Dockerfile: DOCKERFILE, 'compose.yml': composeText })

test('replicas, schedules and hooks of a Compose file are set with its first deploy', async () => {
  await write('keeper', compose(WISHES))
  await labOk(['deploy', './keeper'])
  const made = await inspect()
  expect(made.owner).not.toBe('node3')
  expect(made).toMatchObject({
    limitBytes: 512 * 2 ** 20,
    keep: { hourly: 2 },
    hooks: { pre: ['sh', '-c', 'echo pre >>/data/hooks'] },
    replicas: [{ node: 'node3', everyMs: 2000 }],
  })
  await waitFor(
    async () => {
      const { volumes } = await labDocument<{
        volumes: readonly { name: string; replicas?: readonly { snapshot?: string }[] }[]
      }>(['volumes'])
      return volumes.find(({ name }) => name === 'keeper-data')?.replicas?.[0]?.snapshot
    },
    { deadlineMs: 60_000, what: 'the first round of the replica' },
  )
  const hooks = await docker('exec', await container(made.owner), 'cat', '/run/lab/volumes/keeper-data/hooks')
  expect(hooks).toContain('pre')
})

test('a volume that a service has is not given to another one, nor moved while another one has it', async () => {
  await write('second', compose('\n    external: true\n    name: keeper-data').replaceAll('keeper:', 'second:'))
  const { ran, last } = await labEvents(['deploy', './second'])
  expect(ran.exitCode).toBe(1)
  expect(last).toMatchObject({ type: 'error', code: 'VOLUME_TAKEN', where: 'app second' })
  expect(last['message']).toContain('belongs to app keeper')

  const { owner, epoch } = await inspect()
  const manager = await container('mgmt')
  const image = await docker(
    'exec',
    manager,
    'docker',
    'service',
    'inspect',
    '--format',
    '{{.Spec.TaskTemplate.ContainerSpec.Image}}',
    'keeper_keeper',
  )
  const mount = 'type=bind,source=/run/lab/volumes/keeper-data,target=/x'
  const where = ['--constraint', 'node.labels.lab.volume.keeper-data==here', '--no-resolve-image', '--detach']
  await docker(
    'exec',
    manager,
    'docker',
    'service',
    'create',
    '--quiet',
    '--name',
    'intruder',
    '--mount',
    mount,
    ...where,
    image,
  )
  try {
    const node = await container(owner)
    await waitFor(
      async () =>
        (await docker('exec', node, 'docker', 'ps', '-q', '--filter', 'name=intruder')) === '' ? undefined : true,
      { deadlineMs: 60_000, what: 'the other service to run' },
    )
    const to = ['node1', 'node2'].find((each) => each !== owner) ?? 'node1'
    for (const check of [[], ['--check']]) {
      const moved = await labEvents(['move-volume', 'keeper', to, ...check])
      expect(moved.ran.exitCode).toBe(1)
      expect(moved.last).toMatchObject({ type: 'error', code: 'VOLUME_IN_USE', where: owner })
      expect(moved.last['message']).toContain('service intruder')
    }
    expect(await inspect()).toMatchObject({ owner, epoch })
  } finally {
    await docker('exec', manager, 'docker', 'service', 'rm', 'intruder')
  }
})

test('what is gone from the file goes from the volume, and what was set by hand stays', async () => {
  const { owner } = await inspect()
  const other = ['node1', 'node2'].find((each) => each !== owner) ?? 'node1'
  await labOk(['volume', 'replicate', 'keeper', '--to', other, '--every', '1h'])
  await write('keeper', compose(''))
  await labOk(['deploy', './keeper'])
  expect(await inspect()).toMatchObject({ keep: {}, hooks: {}, replicas: [{ node: other, everyMs: 3_600_000 }] })
  const { last } = await labEvents(['deploy', './keeper'])
  expect(last).toMatchObject({ type: 'deployed', changed: false })
  expect((await inspect()).replicas).toHaveLength(1)
})
