import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withLock } from '../../src/workflows/lock.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('a second command is refused while the first holds the lock, and named in the error', async () => {
  await withLock(directory, 'up', async () => {
    await expect(withLock(directory, 'deploy', () => Promise.resolve())).rejects.toMatchObject({
      code: 'BUSY',
      message: expect.stringContaining('"lab up"') as string,
    })
  })
  await expect(withLock(directory, 'deploy', () => Promise.resolve('mine'))).resolves.toBe('mine')
})

test('of many commands at the same moment exactly one at a time is at work', async () => {
  let working = 0
  let most = 0
  const attempts = Array.from({ length: 20 }, () =>
    withLock(directory, 'up', async () => {
      working++
      most = Math.max(most, working)
      await new Promise((resolve) => setImmediate(resolve))
      working--
    }),
  )
  const results = await Promise.allSettled(attempts)
  expect(most).toBe(1)
  expect(results.some((result) => result.status === 'fulfilled')).toBe(true)
  expect(await readdir(directory)).toEqual([])
})

test('the lock of a process that is gone is taken over', async () => {
  await writeFile(join(directory, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, command: 'up', started: '1' }))
  await expect(withLock(directory, 'up', () => Promise.resolve('taken'))).resolves.toBe('taken')
})

test('the lock of a process whose number another one has now is taken over', async () => {
  await writeFile(join(directory, 'lock'), JSON.stringify({ pid: process.pid, command: 'up', started: '1' }))
  await expect(withLock(directory, 'up', () => Promise.resolve('taken'))).resolves.toBe('taken')
})

test('the lock is given back when the work fails', async () => {
  await expect(withLock(directory, 'up', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await readdir(directory)).toEqual([])
})
