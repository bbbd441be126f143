import { expect, test } from 'vitest'
import { evaluate, NOTHING_PENDING, type Pending } from '../../src/executor/evaluate.ts'
import type { Answers } from '../../src/executor/gather.ts'
import { FactUnavailable, type Change, type Step } from '../../src/model/step.ts'

const CHANGE: Change = { path: 'content', from: 'a', to: 'b' }

function step(options: Partial<Step> & { wants?: string } = {}): Step {
  return {
    kind: 'test',
    title: 'a step',
    source: undefined,
    selfContained: false,
    always: false,
    queries: [{ key: 'value', script: ':', parse: () => undefined }],
    files: [],
    diff: (observed) => (observed.get('value') === (options.wants ?? 'b') ? [] : [CHANGE]),
    apply: () => [],
    ...options,
  }
}

const answered = (value: unknown): Answers => new Map([['value', { value }]])
const cannot: Answers = new Map([['value', { unavailable: 'no engine' }]])
const after = (earlier: Step, ...files: string[]): Pending => ({
  files: new Set(files),
  written: new Set(earlier.edits === true ? [] : files),
  steps: new Set([earlier]),
})

test('what is as wanted is ok, what is not is pending with its changes', () => {
  expect(evaluate(step(), answered('b'), NOTHING_PENDING)).toEqual({ state: 'ok' })
  expect(evaluate(step(), answered('a'), NOTHING_PENDING)).toEqual({ state: 'pending', changes: [CHANGE] })
})

test('a host that cannot tell is unknown by itself, and maybe while an earlier change may explain it', () => {
  expect(evaluate(step(), cannot, NOTHING_PENDING)).toEqual({ state: 'unknown', reason: 'no engine' })
  expect(evaluate(step(), cannot, after(step())).state).toBe('maybe')
  expect(evaluate(step(), new Map(), NOTHING_PENDING).state).toBe('unknown')
})

test('a step that looks at what is pending is maybe, whichever way its facts stand now', () => {
  const earlier = step()
  const later = step({ after: [earlier] })
  expect(evaluate(later, answered('b'), after(earlier)).state).toBe('maybe')
  expect(evaluate(later, answered('a'), after(earlier))).toEqual({ state: 'maybe', changes: [CHANGE] })
  expect(evaluate(later, answered('b'), after(step())).state).toBe('ok')
})

test('a service that reads a pending file may need a restart: the file may be put back to what it read', () => {
  const config = step({ files: ['/etc/x'] })
  const restart: Change = { path: 'restarted', from: 'stale', to: 'fresh' }
  const service = step({ after: [config], diff: (_, pending) => (pending.has('/etc/x') ? [restart] : []) })
  expect(evaluate(service, answered('b'), after(config, '/etc/x'))).toEqual({ state: 'maybe', changes: [restart] })
})

test('a diff that cannot be made from the answers counts like a host that cannot tell', () => {
  const unable = step({
    diff: () => {
      throw new FactUnavailable('no such setting')
    },
  })
  expect(evaluate(unable, answered('a'), NOTHING_PENDING)).toEqual({ state: 'unknown', reason: 'no such setting' })
  expect(evaluate(unable, answered('a'), after(step())).state).toBe('maybe')
})

test('a step that edits a file is told of what writes it, and not of what edits it too', () => {
  const doubtful = step({
    edits: true,
    diff: (_, pending) => {
      if (pending.has('/etc/x')) throw new FactUnavailable('about to change')
      return []
    },
  })
  expect(evaluate(doubtful, answered('a'), after(step({ edits: true }), '/etc/x')).state).toBe('ok')
  expect(evaluate(doubtful, answered('a'), after(step(), '/etc/x')).state).toBe('maybe')
})
