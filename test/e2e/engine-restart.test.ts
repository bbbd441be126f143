import { beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, ensureSample, lab } from './harness.ts'

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(3)).edge
})

/** An engine that waits in vain for what another one knows does so for 30 s, and for 60 s until others ask for it. */
const AT_ONCE_MS = 20_000

const on = async (node: string, ...argv: readonly string[]) => docker('exec', await container(node), ...argv)
const consistent = async () => (await lab(['dns'])).exitCode === 0

test('a node that comes back is on the overlay at once, though another one hears of it late', async () => {
  // It neither hears of the new one nor, because it misses the old one, looks for that.
  const deaf = [
    ['INPUT', '-p', 'udp', '--dport', '7946', '-j', 'DROP'],
    ['OUTPUT', '-p', 'tcp', '--dport', '7946', '-j', 'DROP'],
  ] as const
  const probes = async () => (await on('node3', 'docker', 'ps', '-q', '--filter', 'name=^/lab-probe$')) !== ''
  for (const rule of deaf) await on('node2', 'iptables', '-w', '-I', ...rule)
  try {
    await docker('kill', await container('node3'))
    await docker('start', await container('node3'))
    await waitFor(async () => (await probes().catch(() => false)) || undefined, {
      deadlineMs: AT_ONCE_MS,
      what: 'the probe of node3 to run',
    })
  } finally {
    for (const rule of deaf) await on('node2', 'iptables', '-w', '-D', ...rule)
  }
  await waitFor(async () => (await consistent()) || undefined, { deadlineMs: 60_000, what: 'the names on every node' })
  expect(await on('node3', 'sh', '-c', 'iptables -S OUTPUT | grep -c LAB-GOSSIP || true')).toBe('0')
})

test('the only manager, with the edge on it, finds the apps at once after its engine was restarted', async () => {
  await on('mgmt', 'systemctl', 'restart', 'docker')
  const answers = async () => (await fetch(edge, { signal: AbortSignal.timeout(1000) })).ok
  await waitFor(async () => (await answers().catch(() => false)) || undefined, {
    deadlineMs: AT_ONCE_MS,
    what: `${edge} to answer`,
  })
  await waitFor(async () => (await consistent()) || undefined, {
    deadlineMs: AT_ONCE_MS,
    what: 'the names on every node',
  })
})
