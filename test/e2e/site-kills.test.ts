import { beforeAll, expect, test } from 'vitest'
import { describePoint, killAndMend, type KillPoint } from '../torture/kill-points.ts'
import { container, docker, labDirectory, labOk } from './harness.ts'

/*
 * A few of the kills that test/torture/site-kills.torture.ts makes at every side effect of the site: in the middle of a
 * node's first script, where files of which other steps are told are half written, and before a container is there again.
 */
beforeAll(() => labOk(['up']))

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
