import { describe, expect, it } from 'vitest'
import type { StatusDocument, VolumeStatus } from '../../src/model/documents.ts'
import { renderDns } from '../../src/reporters/dns-view.ts'
import { renderStatus } from '../../src/reporters/status-view.ts'
import { makeStyle } from '../../src/reporters/style.ts'
import { widthOf } from '../../src/reporters/text.ts'
import { renderVolumes } from '../../src/reporters/volumes-view.ts'

const screen = { columns: 80, style: makeStyle(false) }
const coloured = { columns: 80, style: makeStyle(true) }
const show = (lines: readonly string[]) => `\n${lines.join('\n')}\n`

const VOLUME: VolumeStatus = {
  name: 'mongo-data',
  app: 'mongo',
  service: 'mongo',
  owner: 'node3',
  driver: 'btrfs',
  epoch: 2,
  phase: 'idle',
  sizeBytes: 20 * 2 ** 30,
  usedBytes: 12_900_000,
  snapshots: 1,
}

const task = (node: string, address: string, health = 'healthy') => ({
  id: `task-${node}`,
  node,
  address,
  state: 'running',
  health,
  error: undefined,
})

const STATUS: StatusDocument = {
  lab: 'classic-f2af6c',
  edge: 'http://127.0.0.1:8080',
  notes: ['no manager answers: services and volumes are what was last heard'],
  nodes: [
    {
      name: 'mgmt',
      roles: ['manager', 'build', 'edge'],
      address: '10.90.3.2',
      provider: 'docker',
      state: 'running',
      engine: '26.1.5',
      swarm: 'leader',
    },
    {
      name: 'node1',
      roles: ['worker', 'registry', 'logs'],
      address: '10.90.3.3',
      provider: 'docker',
      state: 'running',
      engine: '26.1.5',
      swarm: 'worker',
    },
    {
      name: 'node2',
      roles: ['worker'],
      address: '10.90.3.4',
      provider: 'docker',
      state: 'stopped',
      engine: undefined,
      swarm: 'down',
    },
    {
      name: 'node3',
      roles: ['worker'],
      address: undefined,
      provider: 'docker',
      state: 'missing',
      engine: undefined,
      swarm: undefined,
    },
  ],
  services: [
    {
      name: 'mongo',
      app: 'mongo',
      desired: 1,
      running: 0,
      image: 'x',
      urls: [],
      tasks: [
        {
          ...task('node3', '10.201.0.4'),
          state: 'failed',
          error: 'task: non-zero exit (1): cannot open the data directory, it is in use by another process',
        },
      ],
    },
    {
      name: 'nginx',
      app: 'nginx',
      desired: 2,
      running: 2,
      image: 'x',
      urls: ['http://127.0.0.1:8080'],
      tasks: [task('node2', '10.201.0.6'), task('node1', '10.201.0.5')],
    },
    {
      name: 'nodeapp',
      app: 'nodeapp',
      desired: 3,
      running: 2,
      image: 'x',
      urls: [],
      tasks: [
        task('node1', '10.201.0.7'),
        task('node3', '10.201.0.9'),
        { ...task('node2', '10.201.0.12', 'starting'), state: 'starting' },
      ],
    },
    { name: 'worker', app: 'jobs', desired: 0, running: 0, image: 'x', urls: [], tasks: [] },
  ],
  volumes: [
    VOLUME,
    { ...VOLUME, name: 'shop-files', service: 'shop', owner: 'node1', phase: 'precopy', usedBytes: undefined },
  ],
}

describe('lab status', () => {
  it('shows nodes, services with their tasks and URLs, and volumes, in 80 columns', () => {
    const lines = renderStatus(STATUS, screen)
    expect(show(lines)).toMatchInlineSnapshot(`
      "
      classic-f2af6c  http://127.0.0.1:8080

      NODE    STATE       ADDRESS     SWARM    ENGINE   ROLES
      mgmt    ● running   10.90.3.2   leader   26.1.5   manager build edge
      node1   ● running   10.90.3.3   worker   26.1.5   worker registry logs
      node2   ○ stopped   10.90.3.4   down     -        worker
      node3   ○ missing   -           -        -        worker

      SERVICE   RUNNING   NODE    ADDRESS       STATE      URL
      mongo         0/1   node3   10.201.0.4    failed
      nginx         2/2   node1   10.201.0.5    healthy    http://127.0.0.1:8080
                          node2   10.201.0.6    healthy
      nodeapp       2/3   node1   10.201.0.7    healthy
                          node2   10.201.0.12   starting
                          node3   10.201.0.9    healthy
      worker        0/0                         stopped

      ✗ mongo on node3: task: non-zero exit (1): cannot open the data directory, it is
        in use by another process

      VOLUME           USED     SIZE   DRIVER   STATUS            NODE    SERVICE
      mongo-data   12.3 MiB   20 GiB   btrfs    attached          node3   mongo
      shop-files          ?   20 GiB   btrfs    moving: precopy   node1   shop

      ! no manager answers: services and volumes are what was last heard
      "
    `)
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(80)
  })

  it('looks the same with colours', () => {
    // eslint-disable-next-line no-control-regex -- colours are control sequences
    const bare = renderStatus(STATUS, coloured).map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd())
    expect(bare).toEqual(renderStatus(STATUS, screen))
  })

  it('shows what nodes with limits use of them, and no column of it where there are none', () => {
    const use = { memoryBytes: 300 * 2 ** 20, memoryLimitBytes: 2 ** 30, cpus: 0.42, cpusLimit: 1.5 }
    const nodes = STATUS.nodes.map((node) => (node.name === 'node1' ? { ...node, use } : node))
    const lines = renderStatus({ ...STATUS, nodes }, { ...screen, columns: 110 })
    expect(lines.find((line) => line.startsWith('node1'))).toContain('300 MiB of 1 GiB   0.4 of 1.5')
    expect(renderStatus(STATUS, screen).join('\n')).not.toContain('MEMORY')
  })

  it('says how to go on where nothing is deployed yet', () => {
    const lines = renderStatus({ ...STATUS, edge: undefined, services: [], volumes: [], notes: [] }, screen)
    expect(lines[0]).toBe('classic-f2af6c  not up')
    expect(lines.at(-1)).toBe('no services yet: "lab deploy" deploys the apps of lab.yml')
  })

  it('does not say that there are no services where no manager could be asked', () => {
    const nodes = STATUS.nodes.map((node) => ({ ...node, swarm: undefined }))
    const lines = renderStatus({ ...STATUS, nodes, services: [], volumes: [], notes: [] }, screen)
    expect(lines.at(-1)).toBe('services unknown')
  })
})

describe('lab volumes', () => {
  it('is a table of what each holds, its state and its node', () => {
    expect(show(renderVolumes({ volumes: STATUS.volumes }, screen))).toMatchInlineSnapshot(`
      "
      VOLUME           USED     SIZE   DRIVER   STATUS            NODE    SERVICE
      mongo-data   12.3 MiB   20 GiB   btrfs    attached          node3   mongo
      shop-files          ?   20 GiB   btrfs    moving: precopy   node1   shop
      "
    `)
  })

  it('says where volumes come from where there are none', () => {
    expect(renderVolumes({ volumes: [] }, screen)).toEqual([
      'no volumes yet: an app gets one for each named volume in its compose.yml',
    ])
  })
})

describe('lab dns', () => {
  const names = [
    { name: 'nginx', expected: ['10.201.0.5'], seen: { mgmt: ['10.201.0.5'], node1: ['10.201.0.5'] } },
    {
      name: 'nodeapp',
      expected: ['10.201.0.7', '10.201.0.9'],
      seen: { mgmt: ['10.201.0.9', '10.201.0.7'], node1: ['10.201.0.7', '10.201.0.99'] },
    },
  ]

  it('says that all is well when every node answers with what runs, in any order', () => {
    expect(show(renderDns({ consistent: true, names: names.slice(0, 1) }, screen))).toMatchInlineSnapshot(`
      "
      NAME    NODES   ADDRESSES
      nginx     2/2   10.201.0.5

      ✓ every node answers with the tasks that run
      "
    `)
  })

  it('names each node that answers otherwise, and how', () => {
    const silent = { ...names[0], name: 'mongo', expected: [], seen: { mgmt: [], node1: undefined } }
    expect(show(renderDns({ consistent: false, names: [...names, silent] }, screen))).toMatchInlineSnapshot(`
      "
      NAME      NODES   ADDRESSES
      nginx       2/2   10.201.0.5
      nodeapp     1/2   10.201.0.7 10.201.0.9
      mongo       1/2   -

      ✗ node1: nodeapp lacks 10.201.0.9
      ✗ node1: nodeapp answers 10.201.0.99, where no task runs
      ✗ node1: mongo was not asked: the node does not answer
      "
    `)
  })
})
