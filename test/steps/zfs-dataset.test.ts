import { expect, test } from 'vitest'
import { datasetState, type DatasetState } from '../../src/facts/dataset.ts'
import { zfsDataset } from '../../src/steps/zfs-dataset.ts'
import { consider } from './step-case.ts'

const step = zfsDataset({ name: 'tank/data', properties: { compression: 'on', quota: '64M' } })
const seen = (found: DatasetState, wanted = step) => consider(wanted, { 'dataset tank/data': found })
const properties = (values: Record<string, readonly string[]>): DatasetState => new Map(Object.entries(values))

test('a property is as wanted when zfs shows it so, in its own words or in bytes', async () => {
  expect((await seen(properties({ compression: ['on'], quota: ['64M', '67108864'], atime: ['on'] }))).changes).toEqual(
    [],
  )
  const bytes = zfsDataset({ name: 'tank/data', properties: { quota: '67108864' } })
  expect((await seen(properties({ quota: ['64M', '67108864'] }), bytes)).changes).toEqual([])
})

test('a missing dataset is made with its properties, and what differs is set', async () => {
  const made = await seen(undefined)
  expect(made.commands.map(({ argv }) => argv.join(' '))).toEqual([
    'zfs create -p -o compression=on -o quota=64M tank/data',
  ])
  const { changes, commands } = await seen(properties({ compression: ['off'], quota: ['none', '0'] }))
  expect(changes[1]).toEqual({ path: 'quota', from: 'none', to: '64M' })
  expect(commands.map(({ argv }) => argv.join(' '))).toEqual([
    'zfs set compression=on tank/data',
    'zfs set quota=64M tank/data',
  ])
})

test('one that must not be there is destroyed, nothing below it', async () => {
  const absent = zfsDataset({ name: 'tank/data', absent: true })
  expect((await seen(undefined, absent)).changes).toEqual([])
  expect((await seen(properties({}), absent)).commands).toEqual([{ argv: ['zfs', 'destroy', 'tank/data'] }])
})

test('a pool, or what is no name, is refused', () => {
  expect(() => zfsDataset({ name: 'tank', absent: true })).toThrow('not a dataset')
  expect(() => zfsDataset({ name: 'tank/a', properties: { '-o': 'x' } })).toThrow('not a property')
})

test('none of that name is an answer; no zfs, or a daemon that is down, is not', () => {
  const parse = (status: number, stdout: string, stderr = '') =>
    datasetState('tank/data').parse({ status, stdout, stderr })
  expect(parse(1, '', "cannot open 'tank/data': dataset does not exist")).toBeUndefined()
  expect(parse(0, 'quota\t64M\nquota\t67108864\natime\ton\natime\ton\n')).toEqual(
    properties({ quota: ['64M', '67108864'], atime: ['on'] }),
  )
  expect(() => parse(69, '')).toThrow('zfs is not installed')
  expect(() => parse(1, '', 'connection refused')).toThrow('zfs does not answer: connection refused')
})
