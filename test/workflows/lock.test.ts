import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { draftOf } from '../../src/secrets/drafts.ts'
import { withLock } from '../../src/workflows/lock.ts'

/** More than any process has for a number. */
const NO_PROCESS = 2 ** 22 + 1
const GONE = JSON.stringify({ pid: NO_PROCESS, command: 'up', started: '1' })

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
  await writeFile(join(directory, 'lock'), GONE)
  await expect(withLock(directory, 'up', () => Promise.resolve('taken'))).resolves.toBe('taken')
})

test('the lock of a process whose number another one has now is taken over', async () => {
  await writeFile(join(directory, 'lock'), JSON.stringify({ pid: process.pid, command: 'up', started: '1' }))
  await expect(withLock(directory, 'up', () => Promise.resolve('taken'))).resolves.toBe('taken')
})

test('of many that find the lock of a killed command exactly one at a time is at work', async () => {
  let working = 0
  let most = 0
  for (let round = 0; round < 20; round++) {
    // What a kill in the middle of taking over leaves.
    for (const left of ['lock', 'lock.turn'].slice(0, 1 + (round % 2))) await writeFile(join(directory, left), GONE)
    const attempts = Array.from({ length: 12 }, () =>
      withLock(directory, 'up', async () => {
        most = Math.max(most, ++working)
        await new Promise((resolve) => setTimeout(resolve, 2))
        working--
      }),
    )
    const ended = await Promise.allSettled(attempts)
    const errors = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
    expect(errors.length).toBeLessThan(attempts.length)
    for (const error of errors) expect(error).toMatchObject({ code: 'BUSY' })
    expect(await readdir(directory)).toEqual([])
  }
  expect(most).toBe(1)
})

test('a lock without its content is taken over: the machine died before it was on its disk', async () => {
  await writeFile(join(directory, 'lock'), '')
  await expect(withLock(directory, 'up', () => Promise.resolve('taken'))).resolves.toBe('taken')
  expect(await readdir(directory)).toEqual([])
})

test('what a killed command left half-written is taken away, what another one writes is not', async () => {
  await mkdir(join(directory, 'host_keys'))
  const left = [`lock.${String(NO_PROCESS)}-1.new`, `host_keys/node1.${String(NO_PROCESS)}-12.new`]
  const others = [draftOf('known_hosts'), `ca.${String(NO_PROCESS)}.pem`]
  for (const name of [...left, ...others]) await writeFile(join(directory, name), '')
  await withLock(directory, 'up', () => Promise.resolve())
  expect((await readdir(directory)).sort()).toEqual([...others, 'host_keys'].sort())
  expect(await readdir(join(directory, 'host_keys'))).toEqual([])
})

test('the lock is given back when the work fails', async () => {
  await expect(withLock(directory, 'up', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await readdir(directory)).toEqual([])
})
