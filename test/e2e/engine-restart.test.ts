import { beforeAll, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, ensureSample, lab, status } from './harness.ts'

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(3)).edge
})

/** An engine that waits in vain for what another one knows does so for 30 s, and for 60 s until others ask for it. */
const AT_ONCE_MS = 20_000

const on = async (node: string, ...argv: readonly string[]) => docker('exec', await container(node), ...argv)
const consistent = async () => (await lab(['dns'])).exitCode === 0
const probes = async (node: string) => (await on(node, 'docker', 'ps', '-q', '--filter', 'name=^/lab-probe$')) !== ''
const addressOf = async (node: string) => (await status()).nodes.find(({ name }) => name === node)?.address ?? ''
/** What the diagnostics of a node's engine say of the engines it knows; nothing while they are closed. */
const peersOf = (node: string) => on(node, 'curl', '-gsS', '127.0.0.1:7947/clusterpeers?json').catch(() => '')

/** Has a node lose its power, and come back once `meanwhile` is over: it is on the overlay at once, for all others too. */
async function returnsAtOnce(node: string, meanwhile: () => Promise<unknown>): Promise<void> {
  await docker('kill', await container(node))
  await meanwhile()
  await docker('start', await container(node))
  await waitFor(async () => (await probes(node).catch(() => false)) || undefined, {
    deadlineMs: AT_ONCE_MS,
    what: `the probe of ${node} to run`,
  })
}

/** Runs what is to happen while a node's gossip is kept from it by these rules. */
async function withRules(node: string, rules: readonly (readonly string[])[], during: () => Promise<void>) {
  const inForce: (readonly string[])[] = []
  try {
    for (const rule of rules) {
      await on(node, 'iptables', '-w', '-I', ...rule)
      inForce.push(rule)
    }
    await during()
  } finally {
    for (const rule of inForce) await on(node, 'iptables', '-w', '-D', ...rule)
  }
}

const HEARS_NOTHING = ['INPUT', '-p', 'udp', '--dport', '7946', '-j', 'DROP'] as const
const ASKS_NOBODY = ['OUTPUT', '-p', 'tcp', '--dport', '7946', '-j', 'DROP'] as const

test('a node that comes back is on the overlay at once, though another one hears of it late', async () => {
  // It neither hears of the new one nor, because it misses the old one, looks for that.
  await withRules('node2', [HEARS_NOTHING, ASKS_NOBODY], () => returnsAtOnce('node3', () => Promise.resolve()))
  await waitFor(async () => (await consistent()) || undefined, { deadlineMs: 60_000, what: 'the names on every node' })
  // Once more from the beginning where the engine was started anew.
  const rules = () => on('node3', 'sh', '-c', 'iptables -S OUTPUT | grep -c LAB-GOSSIP || true')
  await waitFor(async () => (await rules()) === '0' || undefined, {
    deadlineMs: AT_ONCE_MS,
    what: 'no rule to be left',
  })
})

test('a node that others gave up, and look for every second, is on the overlay at once when it comes back', async () => {
  const address = await addressOf('node3')
  await on('node2', 'systemctl', 'reload', 'docker') // opens the diagnostics
  const peersOfNode2 = (said: string, of: (peers: string) => boolean) =>
    waitFor(async () => of(await peersOf('node2')) || undefined, { deadlineMs: 60_000, what: said })
  await peersOfNode2('node2 to know node3', (peers) => peers.includes(`"${address}"`))
  await withRules('node2', [HEARS_NOTHING], () =>
    returnsAtOnce('node3', () =>
      peersOfNode2('node2 to give up node3', (peers) => peers !== '' && !peers.includes(`"${address}"`)),
    ),
  )
  await waitFor(async () => (await consistent()) || undefined, { deadlineMs: 60_000, what: 'the names on every node' })
})

test('an engine that is back before others missed the one it was does not forget itself', async () => {
  // The one it was has its address, and is listed under it for a while: only the name tells them apart.
  const ownName = async () => {
    const invocation = await on('node3', 'systemctl', 'show', '--property=InvocationID', '--value', 'docker')
    const log = await on('node3', 'journalctl', '-q', '-o', 'cat', '--no-pager', `_SYSTEMD_INVOCATION_ID=${invocation}`)
    return /use memberlist nodeID:([0-9a-f]+)/.exec(log)?.[1]
  }
  const knowsItself = async () => {
    const name = await ownName()
    return name !== undefined && (await peersOf('node3')).includes(`"${name}"`) && (await consistent())
  }
  // It comes to that in two of three times.
  for (const time of [1, 2, 3]) {
    await on('node3', 'systemctl', 'kill', '-s', 'KILL', 'docker')
    await waitFor(
      () =>
        on('node3', 'systemctl', 'start', 'docker').then(
          () => true,
          () => undefined,
        ),
      {
        deadlineMs: AT_ONCE_MS,
        what: 'the engine of node3 to be started',
      },
    )
    await waitFor(async () => (await knowsItself()) || undefined, {
      deadlineMs: 60_000,
      what: `node3 to know itself, time ${String(time)}`,
    })
  }
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
