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
const recordsIn = (at: string) =>
  readdirSync(join(at, 'runs'))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
const linesOf = (name: string) =>
  readFileSync(join(directory, 'runs', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent & { atMs: number })

it('a record holds every event with its time, as soon as it happened', () => {
  const record = recordRun(join(directory, 'runs'), 'up')
  record.on(notice('one'))
  const [name = ''] = recordsIn(directory)
  expect(linesOf(name)).toEqual([{ ...notice('one'), atMs: expect.any(Number) }])
  record.on(notice('two'))
  void record.close?.()
  expect(linesOf(name).map(({ type }) => type as string)).toEqual(['notice', 'notice', 'run-ended'])
  expect(statSync(join(directory, 'runs', name)).mode & 0o777).toBe(0o600)
})

it('a record stops growing at its limit, but keeps how the run ended', () => {
  const record = recordRun(join(directory, 'runs'), 'up', { runs: 5, bytesPerRun: 500 })
  for (let index = 0; index < 100; index++) record.on(notice(`line ${String(index)}`))
  record.on({ type: 'error', code: 'X', message: 'the end' })
  void record.close?.()
  const [name = ''] = recordsIn(directory)
  expect(statSync(join(directory, 'runs', name)).size).toBeLessThan(650)
  expect(linesOf(name).at(-2)).toMatchObject({ message: 'the end' })
})

it('runs that begin at the same moment have numbers of their own, and a number is never used again', () => {
  const records = ['up', 'plan'].map((command) => recordRun(join(directory, 'runs'), command))
  for (const record of records) void record.close?.()
  expect(recordsIn(directory)).toEqual(['000001-up.jsonl', '000002-plan.jsonl'])
  rmSync(join(directory, 'runs/000002-plan.jsonl'))
  void recordRun(join(directory, 'runs'), 'scale').close?.()
  expect(recordsIn(directory)).toEqual(['000001-up.jsonl', '000003-scale.jsonl'])
})

it('only the latest runs are kept', () => {
  for (const command of ['up', 'plan', 'deploy', 'scale']) {
    const record = recordRun(join(directory, 'runs'), command, { runs: 2, bytesPerRun: 1000 })
    record.on(notice(command))
    void record.close?.()
  }
  expect(recordsIn(directory)).toEqual(['000003-deploy.jsonl', '000004-scale.jsonl'])
})

it('all records together stay within a limit: the oldest go, and nothing else is left behind', () => {
  for (let run = 0; run < 40; run++) {
    const record = recordRun(join(directory, 'runs'), 'up', { runs: 30, bytesPerRun: 2000, bytesInAll: 10_000 })
    for (let index = 0; index < 100; index++) record.on(notice(`line ${String(index)}`))
    void record.close?.()
  }
  const sizes = recordsIn(directory).map((name) => statSync(join(directory, 'runs', name)).size)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(12_500)
  expect(recordsIn(directory).length).toBeGreaterThanOrEqual(5)
  expect(recordsIn(directory).at(-1)).toBe('000040-up.jsonl')
  // And the latest number.
  expect(readdirSync(join(directory, 'runs'))).toHaveLength(sizes.length + 1)
})

it('a record goes on when its directory is removed under it, and does not bring it back', () => {
  const record = recordRun(join(directory, 'runs'), 'destroy')
  rmSync(join(directory, 'runs'), { recursive: true })
  record.on(notice('gone'))
  void record.close?.()
  expect(readdirSync(directory)).toEqual([])
})
