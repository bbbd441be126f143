import { execa } from 'execa'
import { expect, test } from 'vitest'
import { nodeHealth } from '../../src/facts/node-health.ts'

const parse = (stdout: string) => nodeHealth.parse({ status: 0, stdout, stderr: '' })

test('clock, engine, partition and filesystems are read, each filesystem once', () => {
  const said = `time 1795297598285
engine failed
cut mgmt
cut node1
disk overlay 1000 100 /
disk /dev/vda 2000 200 /var/lib/docker
disk /dev/vda 2000 200 /var/lib/lab
`
  expect(parse(said)).toEqual({
    timeMs: 1795297598285,
    engine: 'failed',
    cutOffFrom: ['mgmt', 'node1'],
    disks: [
      { path: '/', totalBytes: 1000, availableBytes: 100 },
      { path: '/var/lib/docker', totalBytes: 2000, availableBytes: 200 },
    ],
  })
})

test('a node with an edge says what that answers', () => {
  expect(parse('time 1\nengine active\nedge 503\n').edge).toBe('503')
})

test('the script says it in these words, on any machine with coreutils', async () => {
  const { stdout } = await execa('sh', ['-c', nodeHealth.script])
  const { disks } = parse(stdout)
  expect(disks[0]?.path).toBe('/')
  expect(disks[0]?.totalBytes).toBeGreaterThan(2 ** 20)
  expect(disks[0]?.availableBytes).toBeGreaterThanOrEqual(0)
})

test('a node that says nothing is not taken for one where all is well', () => {
  expect(() => parse('')).toThrow('says nothing')
})
