import { afterEach, beforeAll, expect, test } from 'vitest'
import { container, docker, lab, labEvents, labOk, type Event } from './harness.ts'

beforeAll(() => labOk(['up']))

/** Ways in which a machine runs and cannot be worked on, which `up` cannot mend by itself. */
const CASES = [
  {
    what: 'whose container is paused',
    node: 'node2',
    lose: async (name: string) => docker('pause', name),
    says: /node2 does not answer: its container is paused/,
    type: () => 'lab node heal node2',
    comesBack: async (name: string) => docker('unpause', name),
  },
  {
    what: 'whose SSH server does not start',
    node: 'node3',
    lose: async (name: string) =>
      docker('exec', name, 'sh', '-c', 'systemctl mask -q --runtime --now ssh.service ssh.socket; true'),
    says: /node3 cannot be reached/,
    type: (name: string) => `docker exec ${name} systemctl status ssh`,
    comesBack: async (name: string) =>
      docker('exec', name, 'sh', '-c', 'systemctl unmask -q --runtime ssh.service ssh.socket; systemctl start ssh'),
  },
] as const

afterEach(async () => {
  for (const { node, comesBack } of CASES) await comesBack(await container(node)).catch(() => undefined)
})

test.each(CASES)(
  'a node $what: up converges the others and says what to type; up finishes the node when it is back',
  async ({ node, lose, says, type, comesBack }) => {
    const name = await container(node)
    const others = ['mgmt', 'node1', 'node2', 'node3'].filter((each) => each !== node)
    for (const each of [node, ...others]) {
      await docker('exec', await container(each), 'sh', '-c', 'echo "# edited" >>/etc/lab/hosts')
    }
    await lose(name)

    const without = await labEvents(['up'])
    expect(without.ran.exitCode, without.ran.stdout).toBe(1)
    expect(without.last).toMatchObject({ type: 'error', code: 'UNREACHABLE' })
    expect(without.last['message']).toMatch(says)
    expect(without.last['hint']).toContain(type(name))
    expect(without.last['hint']).toContain('lab up')
    expect(changedOn(without.events)).toEqual(others)
    expect(without.events.find(({ type: kind }) => kind === 'recap')).toMatchObject({
      failed: 1,
      hosts: { [node]: { failed: 1, changed: 0 } },
    })
    await comesBack(name)
    const after = await labEvents(['up'])
    expect(after.ran.exitCode, after.ran.stdout).toBe(0)
    expect(changedOn(after.events)).toEqual([node])
    expect((await lab(['plan'])).exitCode).toBe(0)
  },
)

/** Nodes on which the file that was edited everywhere was written again. */
function changedOn(events: readonly Event[]): readonly string[] {
  return events
    .filter((event) => event['outcome'] === 'changed' && event['title'] === 'write /etc/lab/hosts')
    .map((event) => String(event['node']))
    .sort()
}
