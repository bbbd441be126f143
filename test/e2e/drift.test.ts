import { beforeAll, describe, expect, test } from 'vitest'
import { BATCHES } from './drift-kinds.ts'
import { container, docker, labEvents, labOk, type Event } from './harness.ts'

const NODES = ['mgmt', 'node1', 'node2', 'node3']

beforeAll(() => labOk(['up']))

/*
 * The laws of a plan, on real nodes: it names exactly what is wrong, changes nothing, and `up` then changes exactly what
 * it named. What the plan says may change (a service that reads a file that is to be written) may turn out either way.
 */
describe.each(BATCHES.map((drifts, index) => ({ batch: index + 1, drifts })))('drift, batch $batch', ({ drifts }) => {
  let planned: readonly Event[] = []
  let repaired: readonly Event[] = []

  beforeAll(async () => {
    for (const { node, spoil, what } of drifts) {
      await onNode(node, spoil).catch((error: unknown) => {
        throw new Error(`could not make the drift "${what}" on ${node}`, { cause: error })
      })
    }
    const before = await Promise.all(NODES.map(inventory))
    const plan = await labEvents(['plan'])
    expect(plan.ran.exitCode, plan.ran.stdout).toBe(2)
    planned = plan.events.filter(isStep)
    expect(await Promise.all(NODES.map(inventory))).toEqual(before)
    const up = await labEvents(['up'])
    expect(up.ran.exitCode, up.ran.stdout).toBe(0)
    repaired = up.events.filter(isStep)
  })

  test.each(drifts)('$what on $node is found by its step and mended', ({ node, step }) => {
    expect(titles(planned, node, 'would-change').filter((title) => title.startsWith(step))).toHaveLength(1)
    expect(titles(repaired, node, 'changed').filter((title) => title.startsWith(step))).toHaveLength(1)
  })

  test('nothing else is named, and up changes what the plan named', () => {
    for (const node of NODES) {
      const expected = drifts.filter((drift) => drift.node === node).map(({ step }) => step)
      const named = titles(planned, node, 'would-change')
      expect(named.filter((title) => !expected.some((step) => title.startsWith(step)))).toEqual([])
      const allowed = [...named, ...titles(planned, node, 'maybe')]
      expect(titles(repaired, node, 'changed').filter((title) => !allowed.includes(title))).toEqual([])
    }
  })

  test('after up the plan is empty', async () => {
    const { ran } = await labEvents(['plan'])
    expect(ran.exitCode, ran.stdout).toBe(0)
  })
})

function isStep({ type }: Event): boolean {
  return type === 'step'
}

function titles(events: readonly Event[], node: string, outcome: string): readonly string[] {
  return events
    .filter((event) => event['node'] === node && event['outcome'] === outcome)
    .map((event) => String(event['title']))
}

async function onNode(node: string, script: string): Promise<string> {
  return docker('exec', await container(node), 'sh', '-c', script)
}

/**
 * All that a plan could change on a node: every file with its mode, owner and content, packages, units and their
 * processes, and the engine's objects. Left out is what the node itself writes all the time, and the swarm's
 * tasks with their networks: the swarm moves those by itself when a label changes.
 */
async function inventory(node: string): Promise<readonly string[]> {
  const script = `
    find /etc /usr/local /root /opt /srv /home -xdev -printf '%p %y %m %u %g %l\\n' | sort
    find /etc /usr/local /root /opt /srv /home -xdev -type f -exec sha256sum {} + | sort -k 2
    dpkg-query -W -f '\${Package} \${Version} \${Status}\\n'
    systemctl list-units --all --plain --no-legend --type=service,socket | grep -v @ | tr -s ' ' | sort
    systemctl list-unit-files --no-legend | sort
    systemctl show -p Id,MainPID,InvocationID docker containerd rsyslog docker-registry lab-dns lab-volumes ssh
    iptables-save 2>/dev/null | grep -v '^[#:]'
    docker ps -a --no-trunc --format '{{.Label "com.docker.swarm.task.id"}} {{.ID}} {{.Names}} {{.State}}' | grep '^ ' | sort
    docker images --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
    docker network ls --no-trunc --filter scope=local --format '{{.ID}} {{.Name}}' | sort
    docker volume ls --format '{{.Name}}' | sort
    ! docker node ls -q >/dev/null 2>&1 || docker node inspect $(docker node ls -q) --format '{{.ID}} {{.Spec}}'`
  return (await onNode(node, script)).split('\n')
}
