import { expect, test } from 'vitest'
import type { Mounted, MountState } from '../../src/facts/mount-state.ts'
import { mount } from '../../src/steps/mount.ts'
import type { Step } from '../../src/model/step.ts'
import { consider } from './step-case.ts'

const looked = (
  step: Step,
  live: Partial<Mounted> | undefined,
  fstab: Partial<MountState['fstab']> = { equal: [3] },
) => {
  const mounted = { type: 'tmpfs', source: 'tmpfs', options: new Set(['rw', 'nosuid', 'relatime']), isWanted: false }
  const state: MountState = {
    mounted: live === undefined ? undefined : { ...mounted, ...live },
    fstab: { equal: [], others: [], ...fstab },
  }
  return consider(step, { [step.queries[0]?.key ?? '']: state })
}
const scratch = mount({ path: '/srv/a b', device: 'tmpfs', type: 'tmpfs', options: ['size=1m', 'nosuid'] })

test('mounted and kept is nothing to do; options that the kernel shows otherwise are not compared', async () => {
  expect((await looked(scratch, {})).changes).toEqual([])
})

test('what is not mounted is, and what is not kept is', async () => {
  const { changes, commands } = await looked(scratch, undefined, {})
  expect(changes).toEqual([
    { path: 'mounted', from: undefined, to: 'tmpfs' },
    { path: '/etc/fstab', from: undefined, to: 'kept for the next boot' },
  ])
  expect(commands[0]?.stdin).toBe('tmpfs /srv/a\\040b tmpfs size=1m,nosuid 0 0\n')
  expect(commands[0]?.argv.slice(-5)).toEqual(['/srv/a\\040b', 'tmpfs', 'tmpfs', 'size=1m,nosuid', 'mount'])
})

test('other options are remounted; another type or device is unmounted first', async () => {
  const options = await looked(scratch, { options: new Set(['rw', 'relatime']) })
  expect(options.changes).toEqual([{ path: 'options', from: 'suid', to: 'nosuid' }])
  expect(options.commands[0]?.argv.at(-1)).toBe('remount')
  const type = await looked(scratch, { type: 'ext4' })
  expect(type.changes).toEqual([{ path: 'type', from: 'ext4', to: 'tmpfs' }])
  expect(type.commands[0]?.argv.at(-1)).toBe('replace')
  const disk = mount({ path: '/srv/x', device: '/dev/sdb1', type: 'ext4', options: ['rw'] })
  const device = await looked(disk, { type: 'ext4', source: '/dev/sdc1', options: new Set(['rw']) })
  expect(device.changes).toEqual([{ path: 'device', from: '/dev/sdc1', to: '/dev/sdb1' }])
  const readOnly = await looked(disk, { type: 'ext4', isWanted: true, options: new Set(['ro', 'rw']) })
  expect(readOnly.changes).toEqual([{ path: 'options', from: 'ro', to: 'rw' }])
})

test('a line of fstab too many counts, and what must be absent leaves none', async () => {
  const twice = await looked(scratch, {}, { equal: [3], others: [7] })
  expect(twice.changes).toMatchObject([{ path: '/etc/fstab', from: 'line 3, 7' }])
  const absent = mount({ path: '/srv/x', absent: true })
  expect((await looked(absent, undefined, {})).changes).toEqual([])
  expect((await looked(absent, {}, { others: [2] })).changes.map(({ path }) => path)).toEqual(['mounted', '/etc/fstab'])
})

test('the root, and what is no field of fstab, are refused', () => {
  expect(() => mount({ path: '/', device: 'x', type: 'ext4' })).toThrow('the root')
  expect(() => mount({ path: '/a', device: 'x', type: 'ext4', options: ['a,b'] })).toThrow('not one option')
  expect(() => mount({ path: '/a', device: '', type: 'ext4' })).toThrow('no field of fstab')
})
