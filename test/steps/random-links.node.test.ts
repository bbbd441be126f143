import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linkConditions } from '../../src/steps/link-conditions.ts'
import { waitForMachines } from '../../src/workflows/machines.ts'
import { useNode } from '../node-fixture.ts'
import { converge, runSteps } from './play-runner.ts'
import { RUNS, settle } from './random-state.ts'

const node = useNode()
const { sh } = node

const CLEAN = '{ tc qdisc del dev eth0 root; ip link del odd0; } 2>/dev/null || true'

test('rates to some addresses, whatever was shaped before', async () => {
  const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.7')
  const rate = fc.constantFrom(8000, 1_000_000, 10_000_000, 2_500_000_000)
  const links = fc.uniqueArray(fc.record({ address, rateBits: rate }), { selector: (link) => link.address })
  const before = fc.constantFrom(
    ':',
    'tc qdisc add dev eth0 root tbf rate 1mbit burst 32kb latency 400ms',
    'tc qdisc add dev eth0 root handle 1ab: htb; tc class add dev eth0 parent 1ab: classid 1ab:1 htb rate 1mbit',
    'ip link add odd0 type veth peer name odd1; ip link set odd0 up; tc qdisc add dev odd0 root handle 1ab: htb',
  )
  await fc.assert(
    fc.asyncProperty(before, links, links, async (state, earlier, wanted) => {
      await sh(`${CLEAN}; ${state}`)
      await converge(node, [linkConditions({ links: earlier })])
      await settle(node, ':', linkConditions({ links: wanted }))
      const classes = (await sh('tc class show dev eth0'))
        .split('\n')
        .filter((line) => line.startsWith('class htb 1ab:'))
      expect(classes).toHaveLength(wanted.length)
    }),
    RUNS,
  )
  await sh(CLEAN)
})

/** What a boot would find of them. */
const LEFT = 'ls /etc/lab/links /etc/systemd/system/lab-links.service 2>/dev/null || true'

test('a boot makes the conditions again; without any, nothing of them is left', async () => {
  const links = [{ address: '192.0.2.1', rateBits: 1_000_000 }]
  await converge(node, [linkConditions({ links })])
  const { provider } = node.open
  await node.open.disconnect('node1')
  await provider.stop('node1')
  await provider.start('node1', new AbortController().signal)
  node.open.refresh()
  await waitForMachines(node.open, ['node1'], { booted: true })
  expect(await sh('tc class show dev eth0')).toMatch(/^class htb 1ab:1 .* rate 1Mbit/)
  expect((await runSteps(node, [linkConditions({ links })], { mode: 'plan' })).outcomes[0]).toMatch(/: ok$/)
  await converge(node, [linkConditions({ links: [] })])
  expect(await sh(`tc qdisc show dev eth0; ${LEFT}`)).not.toMatch(/1ab:|links/)
})

/** Seconds that 250 kB take to a listener in a network namespace of its own. */
async function sending(address: string): Promise<number> {
  const script = `set -e
ip netns exec far timeout 60 busybox nc -l -p 9000 -e sh -c 'cat >/tmp/received' &
tries=100
until ip netns exec far ss -Hltn | grep -q :9000; do [ $((tries -= 1)) -gt 0 ]; sleep 0.05; done
start=$(date +%s%N)
head -c 250000 /dev/zero | bash -c 'cat >/dev/tcp/${address}/9000'
wait
[ "$(stat -c %s /tmp/received)" = 250000 ]
echo $((($(date +%s%N) - start) / 1000000))`
  return Number(await sh(script)) / 1000
}

test('what is sent to a shaped address takes as long as it should, and to another does not', async () => {
  await sh(`ip netns add far; ip link add near0 type veth peer name far0 netns far
    ip addr add 192.0.2.10/24 dev near0; ip link set near0 up
    ip -n far addr add 192.0.2.1/24 dev far0; ip -n far addr add 192.0.2.2/24 dev far0; ip -n far link set far0 up`)
  await converge(node, [linkConditions({ links: [{ address: '192.0.2.1', rateBits: 1_000_000 }] })])
  // Two seconds, less what goes through at once.
  expect(await sending('192.0.2.1')).toBeGreaterThan(1.5)
  expect(await sending('192.0.2.2')).toBeLessThan(1.5)
  await converge(node, [linkConditions({ links: [] })])
  expect(await sending('192.0.2.1')).toBeLessThan(1.5)
  await sh('ip link del near0; ip netns del far')
})

test('a kernel without netem says so, and nothing is shaped; one with it delays', async () => {
  const hasNetem =
    (await sh('tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root && echo yes || echo no')) === 'yes'
  const step = linkConditions({
    links: [
      { address: '192.0.2.1', rateBits: 1_000_000 },
      { address: '192.0.2.2', delayMs: 50, lossPercent: 0.5 },
    ],
  })
  if (hasNetem) {
    expect(await converge(node, [step])).toEqual([['192.0.2.1', '192.0.2.2', '/etc/lab/links']])
    expect(await sh('tc qdisc show dev eth0')).toMatch(/netem .* delay 50ms loss 0.5%/)
  } else {
    const { summary } = await runSteps(node, [step])
    expect(String(summary.errors[0])).toMatch(/no netem.*modprobe sch_netem/)
    expect(await sh('tc qdisc show dev eth0')).not.toContain('1ab:')
    expect(await sh(LEFT)).toBe('')
  }
  await sh(CLEAN)
})
