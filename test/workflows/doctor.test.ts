import { expect, test } from 'vitest'
import { availableMemory, nodeVersion } from '../../src/workflows/doctor.ts'

test('Node.js from 20.12 on will do', () => {
  expect(nodeVersion('20.12.0').ok).toBe(true)
  expect(nodeVersion('22.1.0').ok).toBe(true)
})

test('an older Node.js is told what to install', () => {
  expect(nodeVersion('20.11.1')).toEqual({
    name: 'node',
    ok: false,
    detail: 'Node.js 20.11.1',
    hint: 'install Node.js 20.12 or newer',
  })
  expect(nodeVersion('18.20.0').ok).toBe(false)
})

test('memory that can be had is what the kernel calls available, in bytes', () => {
  expect(availableMemory('MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:    600 kB\n')).toBe(614_400)
  expect(availableMemory('')).toBeUndefined()
})
