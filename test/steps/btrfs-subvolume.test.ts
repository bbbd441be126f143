import { expect, test } from 'vitest'
import { subvolumeState, type SubvolumeState } from '../../src/facts/subvolume.ts'
import { btrfsSubvolume, type BtrfsSubvolumeOptions } from '../../src/steps/btrfs-subvolume.ts'
import { consider, path } from './step-case.ts'

const options: BtrfsSubvolumeOptions = { path: '/srv/data', mode: 0o750 }
const seen = (
  state: Partial<SubvolumeState> & Pick<SubvolumeState, 'type'>,
  wanted = options,
  at = path({ type: 'directory', mode: 0o750 }),
) =>
  consider(btrfsSubvolume(wanted), {
    'subvolume:/srv/data': { readOnly: false, empty: false, ...state },
    'path:/srv/data': at,
  })
const shown = ({ commands }: Awaited<ReturnType<typeof seen>>) => commands.map(({ argv }) => argv.slice(-4).join(' '))

test('a subvolume with its mode and owner is left alone, and so is a read-only one whose mode nobody can change', async () => {
  expect((await seen({ type: 'subvolume' })).changes).toEqual([])
  const readOnly = { ...options, readOnly: true, mode: 0o700 }
  expect((await seen({ type: 'subvolume', readOnly: true }, readOnly)).changes).toEqual([])
})

test('a missing one is made, also in the place of an empty directory; a full one or a file is left alone', async () => {
  expect(shown(await seen({ type: 'absent' }))).toEqual(['create /srv/data root:root 00750'])
  expect((await seen({ type: 'directory', empty: true })).changes).toEqual([
    { path: 'type', from: 'directory', to: 'subvolume' },
  ])
  await expect(seen({ type: 'directory' })).rejects.toMatchObject({ code: 'FOREIGN_DIRECTORY' })
  await expect(seen({ type: 'other' })).rejects.toMatchObject({ code: 'FOREIGN_DIRECTORY' })
  await expect(seen({ type: 'elsewhere' })).rejects.toThrow('not on a btrfs filesystem')
})

test('one that is read-only is made writable before its mode is changed, and read-only last of all', async () => {
  const mode = path({ type: 'directory', mode: 0o700 })
  expect(shown(await seen({ type: 'subvolume', readOnly: true }, options, mode))).toEqual([
    '-ts /srv/data ro false',
    'access /srv/data root:root 00750',
  ])
  expect(shown(await seen({ type: 'subvolume' }, { ...options, readOnly: true }, mode))).toEqual([
    'access /srv/data root:root 00750',
    '-ts /srv/data ro true',
  ])
})

test('one that must not be there is deleted; a plain directory is not', async () => {
  const absent = { path: '/srv/data', absent: true }
  expect((await seen({ type: 'elsewhere' }, absent)).changes).toEqual([])
  expect(shown(await seen({ type: 'subvolume' }, absent))).toEqual(['-q subvolume delete /srv/data'])
  await expect(seen({ type: 'directory', empty: true }, absent)).rejects.toMatchObject({ code: 'FOREIGN_DIRECTORY' })
})

test('without its tools a node cannot tell', () => {
  const parse = (status: number, stdout: string) => subvolumeState('/a').parse({ status, stdout, stderr: 'why' })
  expect(() => parse(69, '')).toThrow('install btrfs-progs')
  expect(parse(0, 'subvolume ro empty\n')).toEqual({ type: 'subvolume', readOnly: true, empty: true })
})
