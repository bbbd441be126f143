import { expect, test } from 'vitest'
import { frontPorts, renderFront } from '../../src/providers/docker/front-config.ts'

const gate = (n: number) => ({ name: `gate${String(n)}`, address: `10.90.0.1${String(n)}` })

/** Lines of one section, without indentation. */
function section(text: string, head: string): readonly string[] {
  const lines = text.split('\n')
  const start = lines.indexOf(head)
  expect(start, `${head} in\n${text}`).toBeGreaterThanOrEqual(0)
  const end = lines.findIndex((line, index) => index > start && !line.startsWith(' '))
  return lines.slice(start + 1, end).map((line) => line.trim())
}

test('an edge that reaches tasks goes before one that only lives, and without either each is tried', () => {
  const text = renderFront([], [gate(1), gate(2)])
  expect(section(text, 'frontend lab')).toEqual([
    'bind :80',
    'use_backend serving if { nbsrv(serving) gt 0 }',
    'use_backend alive if { nbsrv(alive) gt 0 }',
    'default_backend any',
  ])
  const servers = ['server gate1 10.90.0.11', 'server gate2 10.90.0.12']
  expect(section(text, 'backend serving')).toEqual(expect.arrayContaining(['option httpchk GET /serving', ...servers]))
  expect(section(text, 'backend alive')).toEqual(expect.arrayContaining(['option httpchk GET /alive', ...servers]))
  expect(section(text, 'backend any')).toEqual(servers)
})

test('a connection that an edge does not take goes to the next one', () => {
  const defaults = section(renderFront([], [gate(1), gate(2)]), 'defaults')
  expect(defaults).toEqual(expect.arrayContaining(['mode tcp', 'timeout connect 500ms', 'option redispatch 1']))
})

test('one edge is not looked after', () => {
  const text = renderFront([], [gate(1)])
  expect(text).not.toContain('check port')
  expect(section(text, 'frontend lab')).toEqual(['bind :80', 'default_backend any'])
})

test('ports are open once each, in order, and are read back; 80 always is', () => {
  const text = renderFront([8001, 80, 443, 8001], [gate(1)])
  expect(frontPorts(text)).toEqual([80, 443, 8001])
  expect(renderFront(frontPorts(text), [gate(1)])).toBe(text)
  expect(frontPorts(renderFront([], [gate(1)]))).toEqual([80])
})

test('it is the same whatever the order of the edges', () => {
  expect(renderFront([], [gate(2), gate(1)])).toBe(renderFront([], [gate(1), gate(2)]))
})
