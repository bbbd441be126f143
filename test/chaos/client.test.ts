import { expect, test } from 'vitest'
import { sightOf, type Asked } from '../../src/chaos/client.ts'

const asked = (at: number, error?: string): Asked => ({ at, tookMs: 5, error })

test('an outage lasts from the last answer to the next one, and is none where only some requests fail', () => {
  const some = [asked(0), asked(50, 'reset'), asked(100), asked(150, 'reset'), asked(200)]
  expect(sightOf(some)).toEqual({ requests: 5, failed: 2, longestOutageMs: 100, errors: ['reset'] })
  const all = [asked(0), asked(50, 'reset'), asked(100, 'status 503'), asked(4000, 'reset'), asked(4050)]
  expect(sightOf(all)).toEqual({ requests: 5, failed: 3, longestOutageMs: 4050, errors: ['reset', 'status 503'] })
})

test('no failure, and nothing asked, are no outage', () => {
  expect(sightOf([asked(0), asked(9000)])).toMatchObject({ failed: 0, longestOutageMs: 0 })
  expect(sightOf([])).toEqual({ requests: 0, failed: 0, longestOutageMs: 0, errors: [] })
  expect(sightOf([asked(10, 'reset'), asked(60, 'reset')])).toMatchObject({ failed: 2, longestOutageMs: 50 })
})
