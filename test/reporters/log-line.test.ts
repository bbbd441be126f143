import { describe, expect, it } from 'vitest'
import { renderLogLine } from '../../src/reporters/log-line.ts'
import { makeStyle } from '../../src/reporters/style.ts'

describe('a line of a log', () => {
  it('has its time, node and service in columns, and shows control characters', () => {
    const widths = { node: 5, service: 7 }
    const record = {
      time: '2026-11-21T11:45:05.123456+00:00',
      node: 'node1',
      app: 'nodeapp',
      service: 'nodeapp',
      task: 't',
      stream: 'stdout' as const,
      line: 'hello\u001b[2J',
    }
    const line = renderLogLine(record, widths, makeStyle(false))
    expect(line).toMatch(/^\d\d:\d\d:05\.123 {2}node1 {2}nodeapp {2}hello\\x1b\[2J$/)
    expect(renderLogLine({ ...record, service: 'mongo' }, widths, makeStyle(false))).toMatch(/node1 {2}mongo {4}hello/)
  })
})
