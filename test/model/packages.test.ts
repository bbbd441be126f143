import { expect, test } from 'vitest'
import { fromLater, isSystem, PACKAGES, packagesOf, SYSTEMS } from '../../src/model/packages.ts'

test('lab’s own image and Debian have the packages of Debian 13, by the same names', () => {
  expect(packagesOf(undefined)).toEqual(PACKAGES)
  expect(packagesOf('debian 12')).toEqual(PACKAGES)
})

test.each(['ubuntu 22.04', 'ubuntu 24.04'] as const)(
  '%s has Compose and the engine’s client by its own names',
  (system) => {
    const packages = packagesOf(system)
    expect(packages.engine).toEqual(['docker.io', 'docker-compose-v2', 'docker-buildx'])
    expect(packages.volumes).not.toContain('zfs-fuse')
    expect(packages.registry).toEqual(PACKAGES.registry)
  },
)

test('only Debian 12 takes something from its next release: the engine, and nothing beside it', () => {
  expect(SYSTEMS.filter((system) => fromLater(system) !== undefined)).toEqual(['debian 12'])
  expect(fromLater('debian 12')).toMatchObject({ release: 'bookworm', next: 'trixie', packages: PACKAGES.engine })
  expect(fromLater()).toBeUndefined()
})

test('other releases are none of lab’s', () => {
  expect(['debian 11', 'ubuntu 23.10', ''].filter(isSystem)).toEqual([])
})
