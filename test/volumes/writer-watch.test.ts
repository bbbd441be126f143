import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import { readSample, watchScript } from '../../src/volumes/writer-watch.ts'

// The watch itself, with this machine's shell and a directory in the place of a node's.
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-watch-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('the watch says again and again who may write', async () => {
  const [pool, served, leases] = ['pool', 'served', 'leases'].map((name) => join(directory, name))
  const driver = join(directory, 'driver')
  await mkdir(join(pool ?? '', 'live/data'), { recursive: true })
  await mkdir(leases ?? '')
  await writeFile(join(leases ?? '', 'data'), '3\n')
  await writeFile(driver, '#!/bin/sh\n[ "$*" = "state data" ] && echo writable\n', { mode: 0o755 })
  const script = watchScript({ pauseMs: 20, more: 'more="of $volume"' })
    .replaceAll(VOLUME_PATHS.driver, driver)
    .replaceAll(VOLUME_PATHS.leases, leases ?? '')
    .replaceAll(NODE_PATHS.pool, pool ?? '')
    .replaceAll(NODE_PATHS.served, served ?? '')
  const watch = execa('bash', ['-c', script], { timeout: 20_000, reject: false })
  const lines: string[] = []
  for await (const line of watch) {
    lines.push(line)
    // Two looks, and the beginning of a third.
    if (lines.length === 5) watch.kill()
  }
  const { stderr } = await watch
  expect(stderr).toBe('')
  expect(lines.length).toBeGreaterThan(4)
  expect(readSample(lines[0] ?? '')).toMatchObject({
    volume: 'data',
    mayWrite: false,
    lease: '3',
    containers: 0,
    more: ['of', 'data'],
  })
  expect(lines[1]).toMatch(/^\d{10}\.\d{6}$/)
})
