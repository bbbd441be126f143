import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../src/model/events.ts'
import { jsonReporter } from '../../src/reporters/json-lines.ts'
import { plainReporter } from '../../src/reporters/plain.ts'
import { makeStyle } from '../../src/reporters/style.ts'
import { terminalReporter } from '../../src/reporters/terminal.ts'

const RUN: readonly RunEvent[] = [
  { type: 'run-started', command: 'up', lab: 'x-123456', at: '2026-01-01T00:00:00Z' },
  { type: 'task-started', task: 't1', title: 'create mgmt', node: 'mgmt' },
  { type: 'task-progress', task: 't1', line: 'unpacking' },
  { type: 'task-finished', task: 't1', title: 'create mgmt', outcome: 'done', durationMs: 1200 },
  { type: 'play-started', play: 'Base', nodes: ['mgmt'] },
  {
    type: 'step',
    node: 'mgmt',
    play: 'Base',
    kind: 'file',
    title: 'write /etc/motd',
    outcome: 'changed',
    changes: [],
    durationMs: 5,
  },
  { type: 'error', code: 'X', message: 'it broke', hint: 'lab up' },
]

describe('plain output', () => {
  it('is a line for each start and end, with errors apart', () => {
    const out: string[] = []
    const err: string[] = []
    const reporter = plainReporter(
      (line) => out.push(line),
      (line) => err.push(line),
      makeStyle(false),
    )
    for (const event of RUN) reporter.on(event)
    void reporter.close?.()
    expect(out.map((line) => line.replace(/ {2,}[\d.]+ m?s$/, ''))).toEqual([
      'lab up  x-123456',
      '',
      '… create mgmt',
      '✓ create mgmt',
      '… Base on mgmt',
      'Base',
      expect.stringMatching(/^ {2}~ write \/etc\/motd {2,}mgmt$/),
    ])
    expect(err).toEqual(['✗ it broke', '  → lab up'])
  })
})

describe('JSON output', () => {
  it('is each event as it is, a line each', () => {
    const out: string[] = []
    const reporter = jsonReporter((line) => out.push(line))
    for (const event of RUN) reporter.on(event)
    expect(out.map((line) => JSON.parse(line) as unknown)).toEqual(RUN)
  })
})

describe('live output', () => {
  /** A terminal of 80 by 24 that shows what is on it in the end. */
  class FakeTerminal extends Writable {
    readonly isTTY = true
    readonly columns = 80
    readonly rows = 24
    raw = ''
    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      this.raw += chunk.toString()
      done()
    }
  }
  const terminal = () => new FakeTerminal() as unknown as NodeJS.WriteStream & { readonly raw: string }

  it('shows what runs while it runs, and in the end only what is over', async () => {
    const [output, errors] = [terminal(), terminal()]
    const reporter = terminalReporter(output, errors, makeStyle(false))
    for (const event of RUN.slice(0, 3)) reporter.on(event)
    expect(output.raw).toContain('⠋ create mgmt'.slice(2))
    for (const event of RUN.slice(3)) reporter.on(event)
    await reporter.close?.()
    const shown = finalScreen(output.raw)
    expect(shown).toContain('✓ create mgmt')
    expect(shown).toContain('~ write /etc/motd')
    expect(shown).not.toContain('unpacking')
    expect(shown).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
    expect(errors.raw).toContain('✗ it broke')
  })
})

/** What a terminal shows after these bytes: enough of one for cursor movements and erasing of lines. */
function finalScreen(raw: string): string {
  const lines = ['']
  let row = 0
  let column = 0
  // eslint-disable-next-line no-control-regex -- control sequences are what it reads
  for (const [token, sequence, letter] of raw.matchAll(/\u001b\[([\d;?]*)([A-Za-z])|[^\u001b]/gu)) {
    const number = Number(sequence === undefined || sequence === '' ? '1' : sequence)
    if (letter === undefined) {
      if (token === '\n') {
        row++
        column = 0
        lines[row] ??= ''
      } else {
        lines[row] = (lines[row] ?? '').slice(0, column).padEnd(column) + token
        column++
      }
    } else if (letter === 'A') row = Math.max(0, row - number)
    else if (letter === 'G') column = number - 1
    else if (letter === 'K') lines[row] = ''
    else if (letter === 'J') lines.splice(row + 1)
  }
  return lines.join('\n')
}
