import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sysctl } from '../../src/steps/sysctl.ts'
import { consider, path } from './step-case.ts'

const settings = { 'net.ipv4.ip_forward': 1, 'net.ipv4.ip_local_port_range': '20000  30000' }
const FILE = '/etc/sysctl.d/90-lab.conf'
const content = 'net.ipv4.ip_forward = 1\nnet.ipv4.ip_local_port_range = 20000 30000\n'
const facts = (forward: string | null, kept = true) => ({
  [`path:${FILE}`]: kept
    ? path({ type: 'file', mode: 0o644, digest: createHash('sha256').update(content).digest('hex') })
    : path(),
  'kernel-setting:net.ipv4.ip_forward': forward,
  'kernel-setting:net.ipv4.ip_local_port_range': '20000 30000',
})

test('live and kept is nothing to do; each is mended by itself', async () => {
  const wanted = sysctl({ name: 'lab', settings })
  expect((await consider(wanted, facts('1'))).changes).toEqual([])
  const live = await consider(wanted, facts('0'))
  expect(live.changes).toEqual([{ path: 'net.ipv4.ip_forward', from: '0', to: '1' }])
  expect(live.commands[0]?.argv.slice(-3)).toEqual([FILE, '/proc/sys/net/ipv4/ip_forward', '1'])
  const kept = await consider(wanted, facts('1', false))
  expect(kept.changes.map((change) => change.path)).toEqual([FILE])
  expect(kept.commands[0]).toMatchObject({ stdin: content })
})

test('a setting the kernel lacks is an error unless it is optional', async () => {
  await expect(consider(sysctl({ name: 'lab', settings }), facts(null))).rejects.toThrow(
    'no setting net.ipv4.ip_forward',
  )
  const { changes } = await consider(sysctl({ name: 'lab', settings, optional: true }), facts(null))
  expect(changes.map((change) => change.path)).toEqual([FILE])
})

test('names that are no settings, and values of several lines, are refused', () => {
  expect(() => sysctl({ name: 'lab', settings: { '../../etc/passwd': 1 } })).toThrow('not a kernel setting')
  expect(() => sysctl({ name: 'lab', settings: { 'net.x': '1\n2' } })).toThrow('one line')
})
