import { beforeAll, expect, test } from 'vitest'
import { describePoint, killAndMend, watchedUp, type KillPoint } from '../torture/kill-points.ts'
import { container, docker, labDirectory, labOk } from './harness.ts'

/*
 * A few of the kills that test/torture/site-kills.torture.ts makes at every side effect of the site: in the middle of a
 * node's first script, where files of which other steps are told are half written, and before a container is there again.
 */
beforeAll(() => labOk(['up']))

test('a second up runs no command but the facts, on no node, and asks the engines for nothing but what is', async () => {
  // What is watched is a build of its own, and keeps for itself what lab.yml says.
  await watchedUp(labDirectory())
  const { effects, exitCode, output } = await watchedUp(labDirectory())
  expect(exitCode, output).toBe(0)
  // The lock of the lab is taken and given back; that is seen, as the kills below must be.
  const ofLock = effects.filter(({ via, what }) => via === 'file' && /^(?:mkdir \S+|\w+ \S+\/lock\S*)$/.test(what))
  expect(ofLock.length).toBeGreaterThan(0)
  expect(effects.filter((effect) => !ofLock.includes(effect))).toEqual([])
})

const POINTS: readonly KillPoint[] = [
  { kind: 'lab', node: 'node1', number: 2, side: 'before' },
  { kind: 'session', node: 'node2', number: 2, side: 'after' },
  { kind: 'node', node: 'node3', number: 3, side: 'before' },
]

test.each(POINTS)(
  '$kind killed $side effect $number of $node: the next up converges, the plan is empty',
  async (point) => {
    const spoil = `echo '# edited' >>/etc/lab/hosts; rm -f /root/.docker/config.json; echo '# edited' >>/etc/lab/dnsmasq.conf
    docker rm -f lab-probe; systemctl disable --now -q lab-dns; true`
    await docker('exec', await container(point.node), 'sh', '-c', spoil)
    const outcome = await killAndMend(labDirectory(), point)
    expect(outcome.reached, describePoint(point)).toBe(true)
    expect(outcome.report).toBe('')
  },
)
