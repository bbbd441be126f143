import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../src/model/events.ts'
import { host, nodes, step, told } from './told.ts'

describe('lab up', () => {
  const run: RunEvent[] = [
    { type: 'run-started', command: 'up', lab: 'classic-f2af6c', at: '2026-01-01T00:00:00Z' },
    { type: 'task-started', task: 't1', title: 'make the host ready' },
    { type: 'task-finished', task: 't1', title: 'make the host ready', outcome: 'unchanged', durationMs: 80 },
    { type: 'task-started', task: 't2', title: 'create mgmt', node: 'mgmt' },
    { type: 'task-finished', task: 't2', title: 'create mgmt', outcome: 'done', detail: '10.90.0.2', durationMs: 1843 },
    { type: 'play-started', play: 'Base', nodes },
    ...nodes.map((node) => step(node, 'set the time zone', { outcome: 'ok' })),
    ...nodes.map((node) => step(node, 'install rsyslog, logrotate')),
    step('node2', 'write /etc/rsyslog.conf'),
    { type: 'play-started', play: 'Engine', nodes },
    step('node3', 'start docker.service', {
      play: 'Engine',
      outcome: 'failed',
      changes: [{ path: 'running', from: 'stopped', to: 'running' }],
    }),
    { type: 'notice', level: 'warning', message: 'fs.inotify.max_user_instances is 128' },
    {
      type: 'recap',
      hosts: {
        mgmt: host({ ok: 41, changed: 1 }),
        node1: host({ ok: 52, changed: 1 }),
        node2: host({ ok: 51, changed: 2 }),
        node3: host({ ok: 3, changed: 1, failed: 1, skipped: 20 }),
      },
      changed: 5,
      failed: 1,
      durationMs: 12_345,
    },
    {
      type: 'error',
      code: 'STEP_FAILED',
      where: 'node3',
      message: 'step "start docker.service" failed: systemctl exited with 1\nJob for docker.service failed',
      hint: 'lab logs --node node3 --unit docker',
    },
  ]

  it('tells each play once it is over, every change once with its nodes, failures at once, and a recap', () => {
    expect(told(run)).toMatchInlineSnapshot(`
      "
      lab up  classic-f2af6c

      ✓ create mgmt  10.90.0.2                                                   1.8 s
      Base                                                                       4.0 s
        ~ install rsyslog, logrotate                            mgmt node1 node2 node3
        ~ write /etc/rsyslog.conf                                                node2
        ✗ start docker.service                                                   node3
            running  stopped → running
      ! fs.inotify.max_user_instances is 128

        mgmt    41 ok   1 changed   0 failed    0 skipped
        node1   52 ok   1 changed   0 failed    0 skipped
        node2   51 ok   2 changed   0 failed    0 skipped
        node3    3 ok   1 changed   1 failed   20 skipped

      ✗ 1 failed, 5 changes on 4 nodes · 12 s
      ✗ node3: step "start docker.service" failed: systemctl exited with 1
        Job for docker.service failed
        → lab logs --node node3 --unit docker
      "
    `)
  })

  it('says the same with colours, which take no room', () => {
    // eslint-disable-next-line no-control-regex -- colours are control sequences
    expect(told(run, true).replace(/\u001b\[\d+m/g, '')).toBe(told(run))
  })

  it('says nothing but the recap when nothing was to be done', () => {
    const hosts = Object.fromEntries(nodes.map((node) => [node, host({ ok: 50 })]))
    const events: RunEvent[] = [
      { type: 'play-started', play: 'Base', nodes },
      ...nodes.map((node) => step(node, 'set the time zone', { outcome: 'ok' })),
      { type: 'recap', hosts, changed: 0, failed: 0, durationMs: 1204 },
    ]
    expect(told(events)).toMatchInlineSnapshot(`
      "

        mgmt    50 ok   0 changed
        node1   50 ok   0 changed
        node2   50 ok   0 changed
        node3   50 ok   0 changed

      ✓ 0 changed on 4 nodes · 1.2 s
      "
    `)
  })

  it('puts nodes with equal counts on one line when there are many', () => {
    const many = Array.from({ length: 50 }, (_, index) => `node${String(index + 1)}`)
    const hosts = Object.fromEntries(many.map((node) => [node, host({ ok: 50, changed: node === 'node7' ? 1 : 0 })]))
    expect(told([{ type: 'recap', hosts, changed: 1, failed: 0, durationMs: 5_900 }])).toMatchInlineSnapshot(`
      "

        node1 … node50 (49 nodes alike)   50 ok   0 changed
        node7                             50 ok   1 changed

      ✓ 1 changed on 50 nodes · 5.9 s
      "
    `)
  })
})

describe('lab plan', () => {
  it('shows what would change from what to what, and what depends on it', () => {
    const content = { path: 'content', from: 'sha256:1f2e', to: 'sha256:99ab' }
    const events: RunEvent[] = [
      { type: 'run-started', command: 'plan', lab: 'classic-f2af6c', at: '2026-01-01T00:00:00Z' },
      { type: 'play-started', play: 'Base', nodes },
      step('node1', 'write /etc/docker/daemon.json', {
        outcome: 'would-change',
        changes: [content],
        diff: '@@ -1 +1 @@\n-{}\n+{"x": 1}\n',
      }),
      step('node1', 'restart docker.service', { outcome: 'maybe' }),
      step('node2', 'install rsyslog', { outcome: 'would-change', changes: [{ path: 'version', to: '8.2504' }] }),
      {
        type: 'recap',
        hosts: { node1: host({ ok: 4, changed: 1, maybe: 1 }), node2: host({ ok: 5, changed: 1 }) },
        changed: 2,
        failed: 0,
        durationMs: 700,
      },
    ]
    expect(told(events)).toMatchInlineSnapshot(`
      "
      lab plan  classic-f2af6c

      Base                                                                       1.6 s
        ~ write /etc/docker/daemon.json                                          node1
            content  sha256:1f2e → sha256:99ab
            @@ -1 +1 @@
            -{}
            +{"x": 1}
        ~ install rsyslog                                                        node2
            version  → 8.2504
        ? restart docker.service (depends on a change before it)                 node1

        node1   4 ok   1 would change   1 may change
        node2   5 ok   1 would change   0 may change

      ~ 2 changes pending on 2 nodes, 1 more may follow · 0.7 s
      "
    `)
  })
})

describe('results', () => {
  it('are one line and what matters about them', () => {
    const events: RunEvent[] = [
      { type: 'deployed', app: 'nodeapp', services: ['nodeapp'], changed: true, durationMs: 12_300 },
      { type: 'deployed', app: 'nginx', services: ['nginx'], changed: false, durationMs: 300 },
      { type: 'scaled', service: 'nodeapp', from: 1, to: 3, addresses: ['10.201.0.7', '10.201.0.9'], durationMs: 3200 },
      {
        type: 'moved',
        volume: 'mongo-data',
        from: 'node2',
        to: 'node3',
        epoch: 2,
        rounds: 3,
        bytesSent: 12_900_000,
        blackoutMs: 1260,
        durationMs: 8100,
      },
      {
        type: 'moved',
        volume: 'mongo-data',
        from: 'node3',
        to: 'node3',
        epoch: 2,
        rounds: 0,
        bytesSent: 0,
        blackoutMs: 0,
        durationMs: 110,
      },
      {
        type: 'summary',
        steps: [
          { title: 'lab up', durationMs: 9000 },
          { title: 'deploy mongo, nodeapp, nginx', durationMs: 21_000 },
        ],
        url: 'http://127.0.0.1:8080',
        durationMs: 30_100,
      },
      { type: 'done', command: 'halt', message: 'stopped mgmt, node1', durationMs: 900 },
    ]
    expect(told(events)).toMatchInlineSnapshot(`
      "
      ✓ nodeapp deployed  nodeapp                                                 12 s
      · nginx is up to date; nothing changed                                     0.3 s
      ✓ nodeapp 1 → 3                                                            3.2 s
        10.201.0.7  10.201.0.9
      ✓ mongo-data node2 → node3                                                 8.1 s
        3 rounds · 12.3 MiB sent · 1.3 s of downtime
      · mongo-data is on node3 already; nothing to do                            0.1 s

        lab up                         9.0 s
        deploy mongo, nodeapp, nginx    21 s
        in all                          30 s

        http://127.0.0.1:8080

      ✓ stopped mgmt, node1                                                      0.9 s
      "
    `)
  })

  it('never let foreign text write to the terminal', () => {
    const evil = 'x\u001b[2Jy'
    const events: RunEvent[] = [
      { type: 'task-finished', task: 't', title: evil, outcome: 'done', detail: evil, durationMs: 1 },
      { type: 'notice', level: 'info', message: evil },
      { type: 'error', code: 'X', message: `${evil}\n${evil}`, where: evil, hint: evil },
      step('node1', evil, { outcome: 'would-change', changes: [{ path: evil, from: evil, to: evil }], diff: evil }),
    ]
    expect(told(events)).not.toContain('\u001b')
  })
})

it('a run of a playbook shows the nodes that took part, with no hole where nothing was to do', () => {
  const hosts = { mgmt: host({}), node1: host({ ok: 3 }), node2: host({ ok: 3 }) }
  const text = told([
    { type: 'run-started', command: 'run web.ts', lab: 'site-f2af6c', at: '2026-01-01T00:00:00Z' },
    { type: 'recap', hosts, changed: 0, failed: 0, durationMs: 400 },
  ])
  expect(text).toBe(`
lab run web.ts  site-f2af6c

  node1   3 ok   0 changed
  node2   3 ok   0 changed

✓ 0 changed on 2 nodes · 0.4 s
`)
})

it('steps are told in the order of the play, whichever node was first', () => {
  const text = told([
    { type: 'play-started', play: 'Base', nodes: ['node1', 'node2'] },
    step('node2', 'install nginx'),
    step('node2', 'write page of node2'),
    step('node2', 'start nginx'),
    step('node1', 'install nginx', { outcome: 'ok' }),
    step('node1', 'write page of node1'),
    step('node1', 'start nginx'),
  ])
  const titles = [...text.matchAll(/~ (.*?) {2,}(.*)/g)].map(([, title = '', where = '']) => `${title}: ${where}`)
  expect(titles).toEqual([
    'install nginx: node2',
    'write page of node1: node1',
    'write page of node2: node2',
    'start nginx: node1 node2',
  ])
})
