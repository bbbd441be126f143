import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { recordRun } from '../../src/reporters/run-record.ts'
import type { RunEvent } from '../../src/model/events.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-records-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const notice = (message: string): RunEvent => ({ type: 'notice', level: 'info', message })
const linesOf = (name: string) =>
  readFileSync(join(directory, 'runs', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent & { atMs: number })

it('a record holds every event with its time, as soon as it happened', () => {
  const record = recordRun(join(directory, 'runs'), 'up')
  record.on(notice('one'))
  const [name = ''] = readdirSync(join(directory, 'runs'))
  expect(linesOf(name)).toEqual([{ ...notice('one'), atMs: expect.any(Number) }])
  record.on(notice('two'))
  void record.close?.()
  expect(linesOf(name)).toHaveLength(2)
  expect(statSync(join(directory, 'runs', name)).mode & 0o777).toBe(0o600)
})

it('a record stops growing at its limit, but keeps how the run ended', () => {
  const record = recordRun(join(directory, 'runs'), 'up', { runs: 5, bytesPerRun: 500 })
  for (let index = 0; index < 100; index++) record.on(notice(`line ${String(index)}`))
  record.on({ type: 'error', code: 'X', message: 'the end' })
  void record.close?.()
  const [name = ''] = readdirSync(join(directory, 'runs'))
  expect(statSync(join(directory, 'runs', name)).size).toBeLessThan(600)
  expect(linesOf(name).at(-1)).toMatchObject({ message: 'the end' })
})

it('only the latest runs are kept', () => {
  for (const [minute, command] of ['up', 'plan', 'deploy', 'scale'].entries()) {
    const record = recordRun(
      join(directory, 'runs'),
      command,
      { runs: 2, bytesPerRun: 1000 },
      new Date(2026, 0, 1, 0, minute),
    )
    record.on(notice(command))
    void record.close?.()
  }
  const kept = readdirSync(join(directory, 'runs')).sort()
  expect(kept.map((name) => /-([a-z]+)\.jsonl$/.exec(name)?.[1])).toEqual(['deploy', 'scale'])
})

it('a record goes on when its directory is removed under it, and does not bring it back', () => {
  const record = recordRun(join(directory, 'runs'), 'destroy')
  rmSync(join(directory, 'runs'), { recursive: true })
  record.on(notice('gone'))
  void record.close?.()
  expect(readdirSync(directory)).toEqual([])
})
