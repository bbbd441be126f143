import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Outcome, RunEvent } from '../../src/model/events.ts'
import { compareRuns, pastRun, pastRuns } from '../../src/reporters/past-runs.ts'
import { recordRun } from '../../src/reporters/run-record.ts'
import { renderDifferences, renderRun, renderRuns } from '../../src/reporters/runs-view.ts'
import { makeStyle } from '../../src/reporters/style.ts'

const SCREEN = { columns: 90, style: makeStyle(false) }
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-past-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const step = (node: string, title: string, outcome: Outcome, more: object = {}): RunEvent => ({
  type: 'step',
  node,
  play: 'Play',
  kind: 'file',
  title,
  outcome,
  changes: [{ path: 'content', from: 'a', to: 'b' }],
  durationMs: 1,
  ...more,
})

/** Records a run; one that is killed never comes to its end. */
function record(command: string, events: readonly RunEvent[], killed = false): void {
  const kept = recordRun(directory, command.split(' ')[0] ?? '')
  kept.on({ type: 'run-started', command, lab: 'x-1', at: '2026-01-02T03:04:05.000Z' })
  kept.on({ type: 'play-started', play: 'Play', nodes: ['node1', 'node2'] })
  for (const event of events) kept.on(event)
  if (!killed) void kept.close?.()
}

it('runs are listed with what became of them, the latest first', () => {
  expect(renderRuns(pastRuns(join(directory, 'none')), SCREEN)).toEqual(['no run is on record yet'])
  record('up', [step('node1', 'write /x', 'changed'), step('node1', 'y', 'ok')])
  record('run a.ts', [{ type: 'error', code: 'X', message: 'no room\nat all' }])
  record('up', [step('node1', 'write /x', 'changed')], true)
  appendFileSync(join(directory, '000003-up.jsonl'), '{"type":"notice","mess')
  expect(pastRuns(directory).map(({ number, outcome, changed, error }) => [number, outcome, changed, error])).toEqual([
    [3, 'cut-off', 1, undefined],
    [2, 'failed', 0, 'no room'],
    [1, 'done', 1, undefined],
  ])
  const lines = renderRuns(pastRuns(directory), SCREEN).join('\n')
  expect(lines).toMatch(/^RUN +WHEN +COMMAND +TOOK +RESULT/)
  expect(lines).toMatch(/ 2 +\S+ \S+ +run a\.ts .*failed: no room/)
})

it('a run is shown with every change, where, from what to what, and the lines of files', () => {
  const diff = '--- /x\n+++ /x\n@@ -1 +1 @@\n-a\n+b\n'
  record(
    'up',
    ['node1', 'node2'].map((node) => step(node, 'write /x', 'changed', { diff })),
  )
  const lines = renderRun(pastRun(directory, -1), SCREEN)
  expect(lines[0]).toMatch(/^run 1 {2}lab up/)
  expect(lines.join('\n')).toMatch(/~ write \/x +node1 node2\n +content {2}a → b\n +--- \/x\n.*\n.*\n +-a\n +\+b/)
})

it('two runs differ in the steps that went another way', () => {
  record('up', [step('node1', 'same', 'changed'), step('node1', 'gone', 'changed'), step('node2', 'other', 'changed')])
  record('up', [
    step('node1', 'same', 'changed'),
    step('node1', 'gone', 'ok'),
    step('node2', 'other', 'failed'),
    step('node2', 'new', 'changed'),
  ])
  const compared = compareRuns(pastRun(directory, 1), pastRun(directory, 2))
  expect(compared.differences.map(({ node, title }) => `${node} ${title}`)).toEqual([
    'node1 gone',
    'node2 other',
    'node2 new',
  ])
  const signs = renderDifferences(compared, SCREEN).flatMap(
    (line) => /^([-+]) {3}[~✗] (\w+)/.exec(line)?.slice(1, 3).join(' ') ?? [],
  )
  expect(signs).toEqual(['- gone', '- other', '+ other', '+ new'])
  expect(renderDifferences(compareRuns(pastRun(directory, 1), pastRun(directory, 1)), SCREEN).at(-1)).toBe(
    'no step went another way',
  )
})

it('a run that is not kept is bad input that says which are', () => {
  record('up', [])
  expect(() => pastRun(directory, 7)).toThrow(expect.objectContaining({ exitCode: 64, hint: 'kept: 1 to 1; lab runs' }))
  expect(() => pastRun(directory, -2)).toThrow('there is no run -2')
})
