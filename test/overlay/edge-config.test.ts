import { describe, expect, test } from 'vitest'
import type { EdgeRoute } from '../../src/model/edge-route.ts'
import {
  edgeDigest,
  readRoutes,
  renderEdge,
  routeConflicts,
  slotsFor,
  type EdgeService,
} from '../../src/overlay/edge-config.ts'

const web: EdgeService = { name: 'web', replicas: 3, routes: [{ port: 80, target: 3000, protocol: 'http' }] }
const database: EdgeService = { name: 'db', replicas: 1, routes: [{ port: 8090, target: 5432, protocol: 'tcp' }] }

/** Lines of one section, without indentation. */
function section(text: string, head: string): readonly string[] {
  const lines = text.split('\n')
  const start = lines.indexOf(head)
  expect(start, `${head} in\n${text}`).toBeGreaterThanOrEqual(0)
  const end = lines.findIndex((line, index) => index > start && line !== '' && !line.startsWith(' '))
  return lines.slice(start + 1, end === -1 ? undefined : end).map((line) => line.trim())
}

describe('the configuration of the edge', () => {
  test('leads an HTTP port to the tasks that the service has at any time', () => {
    const text = renderEdge([web])
    expect(section(text, 'frontend web-80')).toEqual(
      expect.arrayContaining(['mode http', 'bind :80', 'default_backend web-80']),
    )
    expect(section(text, 'backend web-80')).toContain('server-template task 16 web.lab.local:3000')
  })

  test('passes the bytes of a TCP port on', () => {
    const text = renderEdge([database])
    expect(section(text, 'frontend db-8090')).toContain('mode tcp')
    expect(section(text, 'backend db-8090')).toEqual(
      expect.arrayContaining(['mode tcp', 'server-template task 16 db.lab.local:5432']),
    )
  })

  test('repeats nothing that may have had an effect, except when no connection came about', () => {
    expect(section(renderEdge([web]), 'backend web-80')).toContain(
      'http-request disable-l7-retry if !{ method GET HEAD OPTIONS }',
    )
  })

  test('answers on port 80 also when no app has taken it, and leaves it to one that has', () => {
    expect(section(renderEdge([database]), 'frontend empty').join()).toMatch(/bind :80,.*status 503.*lab deploy/)
    expect(renderEdge([web])).not.toContain('frontend empty')
  })

  test('says which service has no task, and what to type', () => {
    expect(renderEdge([web])).toMatch(/status 503 .*web has no healthy task right now.*lab logs web/)
  })

  test('is the same whatever the order of the services and however many tasks run', () => {
    expect(renderEdge([database, web])).toBe(renderEdge([web, database]))
    expect(renderEdge([{ ...web, replicas: 6 }])).toBe(renderEdge([web]))
  })

  test('says how it is: alive, and serving while any route has a task or there is none', () => {
    const health = (services: readonly EdgeService[]) =>
      section(renderEdge(services), 'frontend lab-health').filter(Boolean)
    expect(health([])).toContain('http-request return status 200 if { path /serving }')
    expect(health([web, database])).toEqual([
      'mode http',
      'no log',
      'bind :7788',
      'http-request return status 200 if { path /alive }',
      'http-request return status 200 if { path /serving } { nbsrv(web-80) gt 0 }',
      'http-request return status 200 if { path /serving } { nbsrv(db-8090) gt 0 }',
      'http-request return status 503',
    ])
  })

  test('carries a digest of everything in it', () => {
    const digest = edgeDigest(renderEdge([web]))
    expect(digest).toMatch(/^[0-9a-f]{16}$/)
    expect(edgeDigest(renderEdge([database]))).not.toBe(digest)
    expect(edgeDigest('global\n  maxconn 1\n')).toBeUndefined()
  })
})

test.each([
  [undefined, 16],
  [0, 16],
  [12, 16],
  [13, 32],
  [25, 32],
  [26, 64],
  [300, 512],
])('%s replicas get %i places', (replicas, slots) => {
  expect(slotsFor(replicas)).toBe(slots)
})

test('two services that want one port are both named', () => {
  const routes: readonly EdgeRoute[] = [...web.routes, ...database.routes]
  expect(
    routeConflicts([web, { name: 'other', replicas: 1, routes }, { name: 'third', replicas: 1, routes: [] }]),
  ).toEqual([{ port: 80, services: ['web', 'other'] }])
  expect(routeConflicts([web, database])).toEqual([])
})

test('routes are read back from a label as they were written', () => {
  expect(readRoutes(JSON.stringify(web.routes))).toEqual(web.routes)
  expect(readRoutes(undefined)).toEqual([])
})
