import { expect, test } from 'vitest'
import { btrfsSubvolume } from '../../src/steps/btrfs-subvolume.ts'
import { zfsDataset } from '../../src/steps/zfs-dataset.ts'
import { useNode } from '../node-fixture.ts'
import { startPool } from './pool-node.ts'
import { converge, runSteps } from './play-runner.ts'

const node = useNode()
const { sh } = node

const firstError = async (...steps: Parameters<typeof runSteps>[1][number][]) =>
  (await runSteps(node, steps)).summary.errors[0]

test('a subvolume is made, mended, made read-only, and removed; what is no subvolume is left alone', async () => {
  await startPool(node.connection, 'btrfs')
  const data = { path: '/srv/pool/apps/data', mode: 0o750, owner: 'daemon:adm' }
  expect(await converge(node, [btrfsSubvolume(data)])).toEqual([['type']])
  expect(
    await sh('btrfs subvolume list -o /srv/pool | sed "s/.* path //"; stat -c "%a %U:%G" /srv/pool/apps/data'),
  ).toBe('apps/data\n750 daemon:adm')
  await sh('echo kept >/srv/pool/apps/data/file; chmod 700 /srv/pool/apps/data')
  expect(await converge(node, [btrfsSubvolume(data)])).toEqual([['mode']])
  expect(await converge(node, [btrfsSubvolume({ ...data, readOnly: true })])).toEqual([['read-only']])
  expect(await sh('touch /srv/pool/apps/data/new 2>&1 || cat /srv/pool/apps/data/file')).toMatch(/Read-only.*\nkept/s)
  await sh('btrfs property set -f -ts /srv/pool/apps/data ro false; chown root /srv/pool/apps/data')
  expect(await converge(node, [btrfsSubvolume(data)])).toEqual([['owner']])
  await sh('mkdir /srv/pool/empty /srv/pool/full; touch /srv/pool/full/thing')
  expect(await converge(node, [btrfsSubvolume({ path: '/srv/pool/empty' })])).toEqual([['type']])
  expect(await firstError(btrfsSubvolume({ path: '/srv/pool/full' }))).toMatchObject({ code: 'FOREIGN_DIRECTORY' })
  expect(await firstError(btrfsSubvolume({ path: '/srv/elsewhere' }))).toMatchObject({ code: 'FACT_UNAVAILABLE' })
  expect(await converge(node, [btrfsSubvolume({ ...data, absent: true })])).toEqual([['type']])
  expect(await sh('ls /srv/pool/apps; ls /srv/pool/full')).toBe('thing')
})

test('a dataset is made with its parents and properties, mended, and removed unless it has snapshots', async () => {
  await startPool(node.connection, 'zfs')
  const wanted = { name: 'tank/apps/data', properties: { compression: 'on', quota: '64M', atime: 'off' } }
  expect(await converge(node, [zfsDataset(wanted)])).toEqual([['dataset']])
  await sh('zfs set quota=32M tank/apps/data; zfs inherit compression tank/apps/data')
  expect(await converge(node, [zfsDataset(wanted)])).toEqual([['compression', 'quota']])
  expect(await converge(node, [zfsDataset({ name: 'tank/apps/data', properties: { quota: '67108864' } })])).toEqual([
    [],
  ])
  await sh('zfs snapshot tank/apps/data@one')
  const gone = zfsDataset({ name: 'tank/apps/data', absent: true })
  expect((await firstError(gone))?.message).toContain('tank/apps/data@one')
  await sh('zfs destroy tank/apps/data@one')
  expect(await converge(node, [gone])).toEqual([['dataset']])
  expect((await firstError(zfsDataset({ name: 'none/data' })))?.message).toContain('no such pool')
  await sh('systemctl stop test-zfs')
  expect(await firstError(zfsDataset(wanted))).toMatchObject({ code: 'FACT_UNAVAILABLE' })
})
