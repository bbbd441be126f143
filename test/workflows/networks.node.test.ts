import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LabSpec, NodeSpec, Role } from '../../src/model/lab-spec.ts'
import { openLab, type OpenLab } from '../../src/workflows/open-lab.ts'
import { ensureMachines } from '../../src/workflows/machines.ts'
import { plan } from '../../src/workflows/plan.ts'
import { convergeSite } from '../../src/workflows/up.ts'
import { openTestLab, type TestLab } from '../test-lab.ts'

const ROLES: readonly Role[] = ['manager', 'build', 'edge', 'registry', 'logs', 'worker']
const node = (name: string, roles: readonly Role[], networks: readonly string[]): NodeSpec => ({
  name,
  roles,
  memoryBytes: undefined,
  cpus: undefined,
  vars: {},
  ...(networks.length === 0 ? {} : { networks }),
})

let made: TestLab
let open: OpenLab
beforeAll(async () => {
  made = await openTestLab([])
  open = made.open
})
afterAll(async () => {
  for (const { name } of await open.provider.list()) await open.provider.destroy(name)
  await open.provider.cleanUp({ images: false })
  await open.close()
  await made.close()
})

/** Brings up the same lab with another lab.yml: its machines, their names and what concerns networks. */
async function upWith(change: Partial<LabSpec>): Promise<void> {
  const { lab, emit, signal } = made.open
  await open.close()
  open = await openLab({ lab, spec: { ...made.open.spec, ...change }, emit, signal })
  await ensureMachines(open)
  const summary = await convergeSite(open, 'apply', { tags: ['base', 'networks'] })
  expect(summary.errors).toEqual([])
}

const sh = async (name: string, script: string) => {
  const { status, stdout, stderr } = await (await open.connect(name)).script(`set -e\n${script}`)
  if (status !== 0) throw new Error(`${script}: exited with ${String(status)}: ${stderr}`)
  return stdout.trim()
}
const addressOf = async (name: string, network: string) =>
  (await open.machines()).find((machine) => machine.name === name)?.networks?.[network]
const networks = async () => Object.keys((await open.provider.network(false))?.further ?? {})

test('nodes on a network of their own reach each other by name, come and go while they run, and leave nothing', async () => {
  const storage = { storage: { subnet: 'auto' } }
  await upWith({
    networks: storage,
    nodes: [node('node1', ROLES, ['storage']), node('node2', ['worker'], ['storage'])],
  })
  const address = await addressOf('node2', 'storage')
  expect(await sh('node1', 'getent hosts node2.storage | cut -d" " -f1')).toBe(address)
  expect(await sh('node1', 'ping -c 1 -W 5 node2.storage >/dev/null && echo answers')).toBe('answers')
  expect(await sh('node2', 'ip -o -4 addr show dev storage')).toContain(`inet ${address ?? 'nothing'}/`)
  // What leaves for the world goes where it went.
  const own = (await open.provider.network(false))?.subnet ?? ''
  expect(await sh('node2', "ip route show default | cut -d' ' -f3")).toBe(own.replace(/0\/\d+$/, '1'))

  const boot = await sh('node2', 'cat /proc/sys/kernel/random/boot_id')
  await upWith({
    networks: { backup: { subnet: 'auto' } },
    nodes: [node('node1', ROLES, []), node('node2', ['worker'], ['backup'])],
  })
  expect(await networks()).toEqual(['backup'])
  expect(await addressOf('node1', 'storage')).toBeUndefined()
  expect(await sh('node2', 'getent hosts node2.backup | cut -d" " -f1')).toBe(await addressOf('node2', 'backup'))
  expect(await sh('node2', 'getent hosts node2.storage || echo unknown')).toBe('unknown')
  expect(await sh('node2', 'cat /proc/sys/kernel/random/boot_id')).toBe(boot)

  await open.provider.stop('node2')
  open.refresh()
  await open.close()
  const before = await addressOf('node2', 'backup')
  await upWith({
    networks: { backup: { subnet: 'auto' } },
    nodes: [node('node1', ROLES, ['backup']), node('node2', ['worker'], ['backup'])],
  })
  expect(await addressOf('node2', 'backup')).toBe(before)
  expect(await sh('node1', 'ping -c 1 -W 5 node2.backup >/dev/null && echo answers')).toBe('answers')
  expect(await sh('node2', 'ip -o -4 addr show dev backup')).toContain(before)
})

test('a plan names who would join and leave', async () => {
  const titles: string[] = []
  const { lab, signal } = made.open
  const looked = await openLab({
    lab,
    spec: {
      ...open.spec,
      networks: { more: { subnet: 'auto' } },
      nodes: [node('node1', ROLES, ['more']), node('node2', ['worker'], [])],
    },
    emit: (event) => {
      if (event.type === 'step' && event.outcome === 'would-change' && event.play === 'Machines')
        titles.push(event.title)
    },
    signal,
  })
  try {
    await plan(looked, { diff: false })
  } finally {
    await looked.close()
  }
  expect(titles).toEqual([
    'take node1 off the network backup',
    'put node1 on the network more',
    'take node2 off the network backup',
    'remove the network backup',
  ])
})
