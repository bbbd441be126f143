import { expect, test } from 'vitest'
import type { TaskView } from '../../src/swarm/tasks.ts'
import { inOrderOfChoice } from '../../src/workflows/running-task.ts'
import { commandOf } from '../../src/workflows/shell.ts'

function task(id: string, more: Partial<TaskView> = {}): TaskView {
  return {
    ...{ id, serviceId: 's', slot: 1, nodeId: 'n', node: 'node1', state: 'running', desiredState: 'running' },
    ...{ health: 'healthy', error: undefined, message: undefined, containerId: `c-${id}`, exitCode: undefined },
    ...{ address: undefined, createdAt: '2026-11-21T12:00:00Z', since: '', spec: {}, jobIteration: undefined },
    ...more,
  }
}

test('a container that serves is entered rather than one that starts or goes, the newest first', () => {
  const tasks = [
    task('going', { desiredState: 'shutdown', createdAt: '2026-11-21T12:09:00Z' }),
    task('starting', { state: 'starting', createdAt: '2026-11-21T12:08:00Z' }),
    task('old'),
    task('new', { createdAt: '2026-11-21T12:01:00Z' }),
  ]
  expect(inOrderOfChoice(tasks, undefined).map(({ id }) => id)).toEqual(['new', 'old', 'going', 'starting'])
})

test('what has no container, or has ended, or is elsewhere cannot be entered', () => {
  const tasks = [
    task('pending', { state: 'pending', containerId: undefined, node: undefined }),
    task('failed', { state: 'failed', desiredState: 'shutdown' }),
    task('elsewhere', { node: 'node2' }),
    task('here'),
  ]
  expect(inOrderOfChoice(tasks, 'node1').map(({ id }) => id)).toEqual(['here'])
})

test('one word is a line for the shell, several are a command no shell touches, none is a login shell', () => {
  expect(commandOf(['uname -a; id'])).toEqual(['sh', '-c', 'uname -a; id'])
  expect(commandOf(['echo', '$HOME; id'])).toEqual(['echo', '$HOME; id'])
  expect(commandOf([])).toEqual([])
})
