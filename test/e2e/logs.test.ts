import { beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, ensureSample, lab, labOk } from './harness.ts'

interface Line {
  readonly time: string
  readonly node: string
  readonly service: string
  readonly task: string
  readonly stream: string
  readonly line: string
}

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(2)).edge
  // Other tests of this lab take nodes and the central server away: what they kept meanwhile arrives first.
  await readable(60_000)
})

async function lines(...args: readonly string[]): Promise<readonly Line[]> {
  const { stdout } = await labOk(['logs', ...args, '--json'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

async function onNode(node: string, ...argv: readonly string[]): Promise<string> {
  return docker('exec', await container(node), ...argv)
}

/** Makes a request, and waits for its line in the central log. */
async function readable(deadlineMs: number): Promise<Line> {
  const mark = `mark-${String(Date.now())}`
  await fetch(`${edge}/api/whoami?${mark}`)
  return waitFor(async () => (await lines('nginx', '--since', '2m')).find(({ line }) => line.includes(mark)), {
    deadlineMs,
    intervalMs: 50,
    what: 'the request in the log',
  })
}

test('what a container writes is readable within a second, with node, service and time', async () => {
  const found = await readable(4000)
  expect(found).toMatchObject({ service: 'nginx', stream: 'stdout' })
  expect(found.node).toMatch(/^node[123]$/)
  expect(Math.abs(Date.parse(found.time) - Date.now())).toBeLessThan(10_000)
})

test('lines of several services come in time order', async () => {
  for (let i = 0; i < 20; i++) await fetch(`${edge}/api/whoami?order-${String(i)}`)
  const times = (await lines('--since', '5m')).map(({ time }) => Date.parse(time))
  expect(times.length).toBeGreaterThan(20)
  expect(times).toEqual([...times].sort((a, b) => a - b))
})

test("a node's journal is read by unit", async () => {
  const { stdout } = await labOk(['logs', '--node', 'node2', '--unit', 'docker'])
  expect(stdout).toMatch(/docker/i)
})

test('an unknown service suggests the near one', async () => {
  const ran = await lab(['logs', 'nodeap'])
  expect(ran.exitCode).toBe(64)
  expect(ran.stderr).toContain('nodeapp')
})

test('no line is lost while the central server is killed three times under 90,000 lines from three nodes', async () => {
  const COUNT = 30_000
  const run = String(Date.now())
  const nodes = ['node1', 'node2', 'node3']
  const script = `i=1; while [ $i -le ${String(COUNT)} ]; do echo "flood ${run} $i"; i=$((i+1)); done`
  const floods = nodes.map(async (node) =>
    onNode(
      node,
      'docker',
      'run',
      '--rm',
      '--name',
      `flood-${run}`,
      '--log-driver',
      'syslog',
      '--log-opt',
      'syslog-address=unixgram:///run/lab/log.sock',
      '--log-opt',
      'syslog-format=rfc5424micro',
      '--log-opt',
      `tag=flood_flood-${node}/${run}`,
      await probeImage(node),
      'sh',
      '-c',
      script,
    ),
  )
  const finished = Promise.all(floods)
  for (let kill = 0; kill < 3; kill++) {
    const before = await received(run, nodes)
    await waitFor(
      async () => ((await received(run, nodes)) > before + 2000 || (await settled(finished)) ? true : undefined),
      {
        deadlineMs: 60_000,
        what: 'lines to flow',
      },
    )
    await onNode('node1', 'systemctl', 'kill', '-s', 'KILL', 'rsyslog.service')
    await onNode('node1', 'sh', '-c', 'systemctl reset-failed rsyslog.service; systemctl start rsyslog.service')
  }
  await finished
  await waitFor(async () => ((await distinct(run)) >= 3 * COUNT ? true : undefined), {
    deadlineMs: 120_000,
    intervalMs: 1000,
    what: 'every line to arrive',
    lastSeen: () => 'see the count below',
  }).catch(() => undefined)
  expect(await distinct(run)).toBe(3 * COUNT)
})

async function probeImage(node: string): Promise<string> {
  return onNode(node, 'docker', 'inspect', '-f', '{{.Image}}', 'lab-probe')
}

async function settled(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([work, Promise.resolve(pending)])) !== pending
}

/** Lines of this run in the central files, counted on the server. */
async function received(run: string, nodes: readonly string[]): Promise<number> {
  const text = await onNode(
    'node1',
    'sh',
    '-c',
    `cat /var/log/lab/*flood* 2>/dev/null | grep -c "flood ${run} " || true`,
  )
  return nodes.length === 0 ? 0 : Number(text)
}

/** Distinct lines of this run: a few duplicates after an outage are allowed, gaps are not. */
async function distinct(run: string): Promise<number> {
  const text = await onNode(
    'node1',
    'sh',
    '-c',
    `for f in /var/log/lab/*flood*; do grep -ho "flood ${run} [0-9]*" "$f" | sort -u | wc -l; done | awk '{s+=$1} END {print s}'`,
  )
  return Number(text)
}
