import { expect, test } from 'vitest'
import { namesOfVolumes } from '../../src/workflows/app-volumes.ts'

test('the volumes that an app uses are its own and those that it says are there already', () => {
  const volumes = { data: null, shared: { external: true, name: 'by-hand' }, plain: { external: true } }
  const mount = (source: string) => ({ type: 'volume' as const, source, target: `/${source}` })
  const services = {
    db: { image: 'mongo', volumes: [mount('data'), mount('shared')] },
    web: { image: 'nginx', volumes: [mount('plain'), { type: 'tmpfs' as const, target: '/tmp' }] },
  }
  expect(namesOfVolumes('Shop', { name: 'Shop', services, volumes })).toEqual(['shop-data', 'by-hand', 'plain'])
})
