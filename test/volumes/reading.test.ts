import { describe, expect, test } from 'vitest'
import { parseList } from '../../src/volumes/drivers/btrfs.ts'
import { parseProperties } from '../../src/volumes/drivers/zfs.ts'
import { chooseOwner, freeLockPort, LOCK_PORTS } from '../../src/volumes/choose.ts'
import { findVolume } from '../../src/volumes/find-volume.ts'
import { describeHolders } from '../../src/volumes/move/quiesce.ts'
import { byOurClock, readHolders, readRights } from '../../src/volumes/node-volumes.ts'
import { transferAuthorizedKey, transferConfig, transferKnownHosts } from '../../src/volumes/node-scripts.ts'
import { transferRemarks } from '../../src/volumes/transfer.ts'
import type { VolumeRecord } from '../../src/model/volume.ts'
import { idleRecord } from './idle-record.ts'

function record(name: string, change: Partial<VolumeRecord> = {}): VolumeRecord {
  const known = { name, app: 'shop', service: 'db', owner: 'node1', lockPort: LOCK_PORTS.first }
  return idleRecord({ ...known, ...change })
}
const stored = (each: VolumeRecord) => ({ record: each, id: each.name, version: 1 })

describe('what btrfs lists', () => {
  const line = (id: number, received: string, uuid: string, path: string) =>
    `ID ${String(id)} gen 9 cgen ${String(id)} top level 5 parent_uuid - received_uuid ${received} uuid ${uuid} path ${path}`
  const text = [
    line(30, '-', 'u3', 'snap/db/s2'),
    line(20, 'sender', 'u2', 'snap/db/s1'),
    line(10, '-', 'u1', 'live/db'),
    line(40, '-', 'u4', 'snap/db/arriving'),
    line(50, '-', 'u5', 'live/cold'),
    line(60, '-', 'u6', 'somewhere/else'),
    'read-only',
    line(30, '-', 'u3', 'snap/db/s2'),
    line(20, 'sender', 'u2', 'snap/db/s1'),
    line(50, '-', 'u5', 'live/cold'),
    'times',
    'birth 1767225600 /var/lib/lab/pool/snap/db/s1',
    'birth 1700000000 /var/lib/lab/pool/snap/db/s2',
    'ID 30 gen 9 cgen 30 top level 5 otime 2026-01-02 03:04:05 path snap/db/s2',
    'limits',
    'Qgroupid    Referenced    Exclusive  Max referenced   Path ',
    '--------    ----------    ---------  --------------   ---- ',
    '0/5              16384        16384            none   <toplevel>',
    '0/10             16384        16384        20971520   live/db',
    '0/50             16384        16384            none   live/cold',
  ].join('\n')

  test('is volumes with snapshots, oldest first; a received one has the identity of the one that was sent', () => {
    expect(parseList(text).find(({ name }) => name === 'db')).toEqual({
      name: 'db',
      live: 'writable',
      limitBytes: 20_971_520,
      snapshots: [
        { name: 's1', identity: 'sender', createdAt: '2026-01-01T00:00:00.000Z' },
        { name: 's2', identity: 'u3', createdAt: '2026-01-02T03:04:05.000Z' },
      ],
    })
  })
  test('leaves out what is still arriving and what is not a volume, and tells frozen ones', () => {
    expect(parseList(text).map(({ name, live }) => [name, live])).toEqual([
      ['db', 'writable'],
      ['cold', 'frozen'],
    ])
  })
  test('that breaks off is an error, not an empty pool', () => {
    expect(() => parseList('')).toThrow('did not list')
  })
})

describe('what zfs lists', () => {
  const list = (...rows: readonly (readonly [string, string, string])[]) =>
    parseProperties(rows.map((row) => row.join('\t')).join('\n'))
  const snapshot = (path: string, guid: string, txg: number) =>
    [
      [path, 'guid', guid],
      [path, 'createtxg', String(txg)],
      [path, 'creation', '1767225600'],
      [path, 'refquota', '-'],
    ] as const
  const createdAt = '2026-01-01T00:00:00.000Z'

  test('is volumes with snapshots in the order they were taken', () => {
    const found = list(
      ['lab', 'guid', '1'],
      ['lab/live/db', 'guid', '2'],
      ['lab/live/db', 'refquota', '20971520'],
      ['lab/live/db', 'lab:frozen', 'yes'],
      ...snapshot('lab/live/db@new', '4', 90),
      ...snapshot('lab/live/db@old', '3', 80),
      ['lab/copy/other', 'lab:frozen', '-'],
      ...snapshot('lab/copy/other@s', '5', 70),
    )
    expect(found).toEqual([
      {
        name: 'db',
        live: 'frozen',
        limitBytes: 20_971_520,
        snapshots: [
          { name: 'old', identity: '3', createdAt },
          { name: 'new', identity: '4', createdAt },
        ],
      },
      { name: 'other', live: 'absent', limitBytes: undefined, snapshots: [{ name: 's', identity: '5', createdAt }] },
    ])
  })
  test('are snapshots put aside too, before those that the volume goes on from', () => {
    const found = list(
      ...snapshot('lab/live/db@s1', '1', 10),
      ...snapshot('lab/aside/db.1@s2', '2', 20),
      ...snapshot('lab/aside/db.2@s3', '3', 30),
      ...snapshot('lab/live/db@s4', '4', 40),
    )
    expect(found[0]?.snapshots.map(({ name }) => name)).toEqual(['s2', 's3', 's1', 's4'])
  })
  test('are not the snapshots that a clone was made from, nor those that are to go', () => {
    const found = list(
      ['lab/live/db', 'lab:since', '20'],
      ...snapshot('lab/live/db@s1', '1', 10),
      ...snapshot('lab/live/db@s2', '2', 20),
      ...snapshot('lab/live/db@s3', '3', 30),
      ...snapshot('lab/live/db@s4', '4', 40),
      ['lab/live/db@s4', 'defer_destroy', 'on'],
      ['lab/copy/gone', 'guid', '9'],
      ...snapshot('lab/copy/gone@s5', '5', 41),
      ['lab/copy/gone@s5', 'defer_destroy', 'on'],
      ...snapshot('lab/view/db@s5', '5', 50),
    )
    expect(found.map(({ name, snapshots }) => [name, snapshots.map((each) => each.name)])).toEqual([['db', ['s3']]])
  })
})

test('times that a node read from a clock an hour ahead are told as ours would have said them', () => {
  const [ours, hour] = [Date.parse('2026-11-21T18:00:00Z'), 3_600_000]
  const at = (createdAt: string | undefined) => [
    { name: 'db', live: 'absent' as const, snapshots: [{ name: 's', identity: 'i', createdAt }] },
  ]
  const taken = '2026-11-21T17:50:00.000Z'
  expect(byOurClock(at('2026-11-21T18:50:00.000Z'), ours + hour, ours)).toEqual(at(taken))
  expect(byOurClock(at('2026-11-21T16:50:00.000Z'), ours - hour, ours)).toEqual(at(taken))
  expect(byOurClock(at(undefined), ours + hour, ours)).toEqual(at(undefined))
  for (const theirs of [undefined, ours, ours + 2000]) expect(byOurClock(at(taken), theirs, ours)).toEqual(at(taken))
})

test('leases, fences and mounts of a node are read apart', () => {
  const rights = readRights('now 1700000000\nlease db 4\nfence db 2\nfence old 7\nserved db\n')
  expect(rights.leases).toEqual(new Map([['db', 4]]))
  expect(rights.fences).toEqual(new Map(Object.entries({ db: 2, old: 7 })))
  expect(rights.served).toEqual(new Set(['db']))
})

test('users of a volume are named once each, and lines of anything else are no users', () => {
  const holders = readHolders('mount 12 sleep /data\nlocal 0 - /mnt/x y\nfile 12 sleep /data/f\nnoise\n')
  expect(holders).toHaveLength(3)
  expect(describeHolders(holders)).toBe('sleep (process 12, /data), a mount at /mnt/x y, sleep (process 12, /data/f)')
})

test('of a transfer that broke off the errors are told, without what surrounds them', () => {
  const lines = ['statuses of send, count, receive: 0 0 65', '==> send <==', '', '==> receive <==', 'no space left']
  expect(transferRemarks(lines)).toBe('no space left')
  expect(transferRemarks(lines.slice(0, 3))).toBe('statuses of send, count, receive: 0 0 65')
})

test('a new volume goes to the worker with the fewest, in the order of lab.yml', () => {
  const workers = ['node1', 'node2', 'node3']
  expect(chooseOwner(workers, [])).toEqual(workers)
  expect(chooseOwner(workers, [record('a'), record('b', { owner: 'node2' }), record('c')])).toEqual([
    'node3',
    'node2',
    'node1',
  ])
})

test('lock ports stay in their range and are never given twice', () => {
  const records: VolumeRecord[] = []
  for (let index = 0; index < 300; index++) {
    const name = `v${String(index)}`
    records.push(record(name, { lockPort: freeLockPort(name, records) }))
  }
  const ports = records.map(({ lockPort }) => lockPort)
  expect(new Set(ports).size).toBe(300)
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(LOCK_PORTS.first)
  expect(Math.max(...ports)).toBeLessThanOrEqual(LOCK_PORTS.last)
  expect(freeLockPort('same', [])).toBe(freeLockPort('same', []))
})

describe('the volume a user means', () => {
  const all = [
    record('shop-db'),
    record('shop-files', { service: 'files' }),
    record('blog-db', { app: 'blog', service: 'blog' }),
  ]
  const find = (typed: string) => findVolume(all.map(stored), typed).record.name
  test('is found by its name, its service or its app', () => {
    expect([find('shop-files'), find('files'), find('blog')]).toEqual(['shop-files', 'shop-files', 'blog-db'])
  })
  test('is asked for when an app has two', () => {
    expect(() => find('shop')).toThrow('shop has 2 volumes: shop-db, shop-files')
  })
  test('is suggested when it was mistyped', () => {
    try {
      find('shop-dbb')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 64, hint: 'did you mean "shop-db"?' })
    }
  })
})

test('nodes reach one another by name only, with checked host keys and one command', () => {
  const config = transferConfig([{ name: 'node1', address: '10.0.0.1' }])
  expect(config).toMatch(/^Host node1\n {2}HostName 10\.0\.0\.1\n {2}HostKeyAlias node1$/m)
  expect(config).toMatch(/^ {2}StrictHostKeyChecking yes$/m)
  expect(transferKnownHosts({ node1: 'ssh-ed25519 AAAA\n' })).toBe('node1 ssh-ed25519 AAAA\n')
  expect(transferAuthorizedKey('ssh-ed25519 AAAA')).toMatch(/^restrict,command="[^"]+" ssh-ed25519 AAAA$/)
})
