import { expect, test } from 'vitest'
import { parseJournalEntry } from '../../src/logs/journal.ts'

const ENTRY = {
  __REALTIME_TIMESTAMP: '1763725505123456',
  _SYSTEMD_UNIT: 'docker.service',
  _PID: '412',
  PRIORITY: '6',
  MESSAGE: 'API listen on /run/docker.sock',
}
const parse = (more: object) => parseJournalEntry(JSON.stringify({ ...ENTRY, ...more }), 'node2')

test('an entry takes the form of a line of a container', () => {
  expect(parse({})).toEqual({
    time: '2025-11-21T11:45:05.123456+00:00',
    node: 'node2',
    app: '',
    service: 'docker',
    task: '412',
    stream: 'stdout',
    line: 'API listen on /run/docker.sock',
  })
})

test('errors are told by their priority, and what belongs to no unit by its name', () => {
  expect(parse({ PRIORITY: '3' })?.stream).toBe('stderr')
  expect(parse({ PRIORITY: '4' })?.stream).toBe('stdout')
  expect(parse({ _SYSTEMD_UNIT: undefined, SYSLOG_IDENTIFIER: 'kernel' })?.service).toBe('kernel')
})

test('a message of bytes is text again, and one that is missing is empty', () => {
  expect(parse({ MESSAGE: [0xc3, 0xbc, 0x1b] })?.line).toBe('ü\u001b')
  expect(parse({ MESSAGE: null })?.line).toBe('')
})

test('what is no entry is left out', () => {
  expect(parseJournalEntry('-- No entries --', 'node2')).toBeUndefined()
  expect(parseJournalEntry('{"MESSAGE":"without a time"}', 'node2')).toBeUndefined()
})
