import { readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LabSpec, NodeSpec, Role } from '../../src/model/lab-spec.ts'
import { waitFor } from '../../src/model/wait.ts'
import { removeDisks } from '../../src/workflows/disks.ts'
import { liveChanges } from '../../src/workflows/live-changes.ts'
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

/** Brings up the same lab with another lab.yml: its machines, their names, and what concerns networks and disks. */
async function upWith(change: Partial<LabSpec>): Promise<void> {
  const { lab, emit, signal } = made.open
  await open.close()
  open = await openLab({ lab, spec: { ...made.open.spec, ...change }, emit, signal })
  await ensureMachines(open)
  const summary = await convergeSite(open, 'apply', { tags: ['base', 'networks', 'disks'] })
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
  const itself = (await open.machines()).find(({ name }) => name === 'node2')?.address ?? 'nothing'
  expect(await sh('node2', 'getent ahostsv4 node2 | cut -d" " -f1 | sort -u')).toBe(itself)
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

/** Loop devices of this host on the disks of this lab's nodes. */
function loopDevices(): readonly string[] {
  const names = readdirSync('/sys/block').filter((name) => name.startsWith('loop'))
  return names.filter((name) => {
    try {
      return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').includes(`/disk-${made.open.lab.id}-`)
    } catch {
      return false
    }
  })
}

const freed = () =>
  waitFor(() => Promise.resolve(loopDevices().length === 0 ? true : undefined), {
    deadlineMs: 20_000,
    what: 'loop devices to be free',
    lastSeen: () => loopDevices().join(' '),
  })

test('a disk is a block device with its mount after every boot, grows in use, and goes only when nobody uses it', async () => {
  const withDisk = (size: number | undefined) => ({
    nodes: [
      size === undefined ? node('node1', ROLES, []) : { ...node('node1', ROLES, []), disks: { data: size } },
      node('node2', ['worker'], []),
    ],
  })
  const MIB = 2 ** 20
  await upWith(withDisk(128 * MIB))
  await sh(
    'node1',
    `mkfs.btrfs -q /dev/lab/data
mkdir -p '/srv/my data'
printf '%s\\n' '/dev/lab/data /srv/my\\040data btrfs noatime 0 0' >>/etc/fstab
systemctl daemon-reload
mount '/srv/my data'
echo kept >'/srv/my data/file'`,
  )
  expect(loopDevices()).toHaveLength(1)

  await upWith(withDisk(192 * MIB))
  expect(await sh('node1', 'blockdev --getsize64 /dev/lab/data')).toBe(String(192 * MIB))
  expect(await sh('node1', "cat '/srv/my data/file'")).toBe('kept')
  await open.close()

  // However it ends, its device is nobody's afterwards.
  await open.provider.kill('node1')
  await freed()
  await upWith(withDisk(192 * MIB))
  expect(await sh('node1', "cat '/srv/my data/file'")).toBe('kept')
  expect(await sh('node1', 'systemctl is-system-running --wait')).toBe('running')
  expect(loopDevices()).toHaveLength(1)

  await open.close()
  const { lab, emit, signal } = made.open
  const smaller = await openLab({ lab, emit, signal, spec: { ...made.open.spec, ...withDisk(64 * MIB) } })
  await expect(liveChanges(smaller)).rejects.toThrow('it has 192 MiB: a disk can only grow')
  await smaller.close()

  await open.state.write('disks', JSON.stringify({ node1: { data: 192 * MIB } }))
  await upWith(withDisk(undefined))
  const { disks } = await liveChanges(open)
  expect(disks).toEqual([{ node: 'node1', disk: 'data', sizeBytes: 192 * MIB }])
  await expect(removeDisks(open, disks)).rejects.toThrow('the disk data is mounted at /srv/my data: umount it there')
  await sh('node1', "umount '/srv/my data'")
  await expect(removeDisks(open, disks)).rejects.toThrow(
    '/etc/fstab mounts the disk data at /srv/my data: take the line',
  )
  await sh('node1', 'sed -i /dev.lab/d /etc/fstab; sleep 1000 </dev/lab/data >/dev/null 2>&1 & echo $! >/run/holder')
  await expect(removeDisks(open, disks)).rejects.toThrow('the disk data is in use on this node')
  expect(await sh('node1', 'kill "$(cat /run/holder)"; blkid -o value -s TYPE /dev/lab/data')).toBe('btrfs')
  await removeDisks(open, disks)
  await freed()
  expect(
    await sh('node1', 'ls /dev/lab /run/lab/disks /etc/lab/disks; ls /var/lib/lab | grep disk- || true'),
  ).not.toContain('data')
})
