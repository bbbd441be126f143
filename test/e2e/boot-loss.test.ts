import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker, lab, labEvents, labId, labOk } from './harness.ts'

beforeAll(() => labOk(['up']))

const DIES = 'node2'
const REFUSED = 'node3'
const OTHERS = ['mgmt', 'node1']

/** A network, none of the lab's, that a container belongs to and that is gone: the engine does not start such a container. */
const goneNetwork = async () => `gone-${await labId()}`
const letStart = async () => docker('network', 'disconnect', '-f', await goneNetwork(), await container(REFUSED))

afterAll(() => letStart().catch(() => undefined))

test('a node that cannot be started, and one that dies as it boots: the others converge, then up finishes both', async () => {
  const gone = await goneNetwork()
  const [dies, refused] = await Promise.all([container(DIES), container(REFUSED)])
  for (const node of OTHERS) {
    await docker('exec', await container(node), 'sh', '-c', 'echo "# edited" >>/etc/lab/hosts')
  }
  await docker('kill', dies, refused)
  await docker('network', 'create', gone)
  await docker('network', 'connect', gone, refused)
  await docker('network', 'rm', gone)

  const [without] = await Promise.all([labEvents(['up']), killOnceStarted(dies)])
  expect(without.ran.exitCode, without.ran.stdout).toBe(1)
  expect(without.last).toMatchObject({ type: 'error' })
  expect(without.last['message']).toMatch(/the engine does not start node3: .*not found/)
  // It may be gone before lab has begun to wait, or after it was let in.
  expect(without.last['message']).toMatch(/node2 (?:stopped while it booted|is stopped)|the connection to node2 broke/)
  const written = without.events.filter((event) => event['title'] === 'write /etc/lab/hosts')
  expect(written.map((event) => [event['node'], event['outcome']]).sort()).toEqual(
    OTHERS.map((node) => [node, 'changed']),
  )
  expect(without.events.find(({ type }) => type === 'recap')).toMatchObject({
    failed: 2,
    hosts: { mgmt: { failed: 0 }, node1: { failed: 0 }, node2: { failed: 1 }, node3: { failed: 1 } },
  })

  await letStart()
  await labOk(['up'])
  const plan = await lab(['plan'])
  expect(plan.exitCode, plan.stdout).toBe(0)
})

async function killOnceStarted(name: string): Promise<void> {
  await waitFor(async () => (await docker('inspect', '--format', '{{.State.Running}}', name)) === 'true' || undefined, {
    deadlineMs: 120_000,
    intervalMs: 50,
    what: `${name} to run`,
  })
  await docker('kill', name)
}
