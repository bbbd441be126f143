import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { container, docker, lab, labEvents, labOk, status, type Event } from './harness.ts'

const NODES = ['mgmt', 'node1', 'node2', 'node3']

beforeAll(() => labOk(['up']))

test('the lab is four running nodes with mgmt as manager and three workers', async () => {
  const { nodes } = await status()
  expect(nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(NODES.map((name) => `${name} running`))
  expect(nodes.filter(({ roles }) => roles.includes('manager')).map(({ name }) => name)).toEqual(['mgmt'])
  expect(new Set(nodes.map(({ address }) => address)).size).toBe(4)
})

test('a second up changes nothing, restarts nothing and says so', async () => {
  const before = await fingerprint()
  const { last } = await labEvents(['up'])
  expect(last).toMatchObject({ type: 'recap', changed: 0, failed: 0 })
  for (const node of NODES) expect((last['hosts'] as Record<string, unknown>)[node]).toMatchObject({ changed: 0 })
  expect(await fingerprint()).toEqual(before)
})

test('plan right after up finds nothing to do and exits 0', async () => {
  const { ran, last } = await labEvents(['plan'])
  expect(last).toMatchObject({ type: 'recap', changed: 0, failed: 0 })
  expect(ran.exitCode).toBe(0)
})

describe('drift is named by plan, left alone by it, and mended by up', () => {
  const cases = [
    {
      what: 'an edited configuration file',
      node: 'node2',
      spoil: 'echo "# edited" >> /etc/docker/daemon.json',
      kind: 'file',
      names: 'daemon.json',
      still: 'grep -q edited /etc/docker/daemon.json',
    },
    {
      what: 'a removed package',
      node: 'node3',
      spoil: 'dpkg --purge --force-depends logrotate >/dev/null 2>&1',
      kind: 'apt',
      names: 'logrotate',
      still: '! dpkg -s logrotate 2>/dev/null | grep -q "ok installed"',
    },
    {
      what: 'a stopped service',
      node: 'node1',
      spoil: 'systemctl stop docker-registry',
      kind: 'service',
      names: 'docker-registry',
      still: '! systemctl is-active -q docker-registry',
    },
    {
      what: 'a node that left the swarm',
      node: 'node3',
      spoil: 'docker swarm leave',
      kind: 'swarm',
      names: 'swarm',
      still: 'docker info -f "{{.Swarm.LocalNodeState}}" | grep -q inactive',
    },
  ]
  afterEach(() => labOk(['up']))

  test.each(cases)('$what', async ({ node, spoil, kind, names, still }) => {
    await onNode(node, spoil)
    const planned = await labEvents(['plan'])
    expect(planned.ran.exitCode).toBe(2)
    const steps = pending(planned.events).filter((step) => step['outcome'] === 'would-change')
    expect(steps.some((step) => step['node'] === node && String(step['title']).includes(names))).toBe(true)
    expect(steps.every((step) => step['node'] === node || String(step['kind']).startsWith('swarm'))).toBe(true)
    expect(steps.some((step) => String(step['kind']).includes(kind))).toBe(true)
    await onNode(node, still)

    const repaired = await labEvents(['up'])
    expect(repaired.ran.exitCode).toBe(0)
    const changed = repaired.events.filter((event) => event.type === 'step' && event['outcome'] === 'changed')
    for (const step of steps) {
      expect(changed.map(key)).toContain(key(step))
    }
    expect((await labEvents(['plan'])).ran.exitCode).toBe(0)
  })
})

test('an up that is killed at any moment is finished by the next one', async () => {
  for (const afterMs of [400, 900, 1500, 2500]) {
    await onNode('node2', 'echo "# edited" >> /etc/docker/daemon.json; systemctl stop rsyslog.service')
    await onNode('node1', 'systemctl stop docker-registry; rm -f /etc/docker/certs.d/*/ca.crt')
    await lab(['up'], { timeoutMs: afterMs })
    const { ran, last } = await labEvents(['up'])
    expect(ran.exitCode, ran.stderr).toBe(0)
    expect(last).toMatchObject({ type: 'recap', failed: 0 })
    expect((await labEvents(['plan'])).ran.exitCode).toBe(0)
  }
})

test('two ups at once do not interleave: one works, the other is refused with the reason or waits', async () => {
  const both = await Promise.all([labEvents(['up']), labEvents(['up'])])
  const codes = both.map(({ ran }) => ran.exitCode)
  expect(codes).toContain(0)
  for (const { ran, last } of both) {
    if (ran.exitCode !== 0) expect(last).toMatchObject({ type: 'error', code: 'BUSY' })
  }
})

function pending(events: readonly Event[]): readonly Event[] {
  return events.filter((event) => event.type === 'step' && event['outcome'] !== 'ok')
}

function key(step: Event): string {
  return `${String(step['node'])} ${String(step['kind'])} ${String(step['title'])}`
}

async function onNode(node: string, script: string): Promise<string> {
  return docker('exec', await container(node), 'sh', '-c', script)
}

/** What a restart would change: when each node booted, its units' processes, its containers. */
async function fingerprint(): Promise<readonly string[]> {
  return Promise.all(
    NODES.map((node) =>
      onNode(
        node,
        `stat -c %Y /proc/1; docker ps -q --no-trunc | sort;
         systemctl show -p Id,MainPID docker rsyslog docker-registry lab-dns ssh | sort`,
      ),
    ),
  )
}
