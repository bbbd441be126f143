import { expect, test } from 'vitest'
import { unitName, unitState } from '../../src/facts/unit.ts'

const SHOWN = `Id=docker.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=yes
InvocationID=abc
ExecMainStartTimestamp=Fri 2025-11-21 11:47:56.123456 UTC
InactiveExitTimestamp=Fri 2025-11-21 11:47:50.000000 UTC

Id=lab.socket
LoadState=loaded
ActiveState=inactive
UnitFileState=
NeedDaemonReload=no
InvocationID=
InactiveExitTimestamp=Fri 2025-11-21 11:47:50.000000 UTC
stamp docker.service abc
stamp docker.service 123 /etc/docker/daemon.json
stamp docker.service absent /etc/with a space
`

test('reads several units and what lab noted of them from one answer', () => {
  const family = unitState('x').batch?.family
  const states = family?.parse({ status: 0, stdout: SHOWN, stderr: '' }, ['docker.service', 'lab.socket'])
  expect(states?.get('docker.service')).toEqual({
    load: 'loaded',
    active: 'active',
    file: 'enabled',
    needsReload: true,
    invocation: 'abc',
    startedUs: Date.UTC(2025, 10, 21, 11, 47, 56) * 1000 + 123_456,
    stamp: {
      invocation: 'abc',
      files: new Map([
        ['/etc/docker/daemon.json', '123'],
        ['/etc/with a space', 'absent'],
      ]),
    },
  })
  expect(states?.get('lab.socket')).toMatchObject({
    active: 'inactive',
    file: '',
    startedUs: Date.UTC(2025, 10, 21, 11, 47, 50) * 1000,
    stamp: undefined,
  })
})

test('without systemd there is no answer, rather than units that do not run', () => {
  const output = { status: 1, stdout: '', stderr: 'Failed to connect to bus' }
  expect(() => unitState('docker.service').parse(output)).toThrow('Failed to connect to bus')
})

test('a unit without a suffix is a service, also where its name holds a dot', () => {
  expect(unitName('docker')).toBe('docker.service')
  expect(unitName('lab.socket')).toBe('lab.socket')
  expect(unitName('app.v2')).toBe('app.v2.service')
})
