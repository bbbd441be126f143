import { describe, expect, test } from 'vitest'
import type { Confirm } from '../../src/executor/host.ts'
import { LabError } from '../../src/model/errors.ts'
import { attempt } from '../../src/model/flow.ts'
import type { Play } from '../../src/model/step.ts'
import { on, read, run, write, useFlowNodes } from './flow-nodes.ts'

useFlowNodes()

describe('rolling runs', () => {
  const breaks: Play = {
    name: 'roll',
    hosts: 'worker',
    serial: 1,
    steps: ({ name }) => [write('a', name === 'node2' ? 'fail' : '1')],
  }

  test('end where more nodes failed than allowed; those to follow are left as they are', async () => {
    const { summary } = await run([{ ...breaks, maxFail: 0 }, on('node1', write('next', '1'))])
    expect(summary.hosts).toMatchObject({
      node1: { changed: 1, skipped: 1 },
      node2: { failed: 1 },
      node3: { changed: 0, skipped: 1 },
    })
    expect([await read('node3/a'), await read('node1/next')]).toEqual([undefined, undefined])
  })

  test('go on while few enough failed, and do not begin with too many down', async () => {
    const { summary } = await run([{ ...breaks, serial: 2, maxFail: 1 }])
    expect(summary.hosts).toMatchObject({ node1: { changed: 1 }, node2: { failed: 1 }, node3: { changed: 1 } })
    expect((await run([{ ...breaks, maxFail: 0 }], { down: 'node3' })).summary.changed).toBe(0)
  })
})

describe('a run that begins in the middle', () => {
  const second: Play = {
    ...on(['node1', 'node2'], attempt({ title: 'b', steps: [write('b', '2'), write('c', '3')] }), write('d', '4')),
    name: 'second',
  }
  const plays = [on('node1', write('a', '1')), second]

  test('leaves out what comes before the step of that title', async () => {
    const { outcomes } = await run(plays, { startAt: 'c is', mode: 'plan', limit: ['node1'] })
    expect(outcomes).toEqual(['node1: c is 3: would-change', 'node1: d is 4: would-change'])
  })

  test('at a step that is not there is bad input', async () => {
    await expect(run(plays, { startAt: 'd is 5' })).rejects.toMatchObject({
      exitCode: 64,
      hint: 'did you mean "d is 4"?',
    })
  })
})

describe('a run that asks before each change', () => {
  test('makes those that are wanted, and ends when its user says so', async () => {
    const asked: string[] = []
    const confirm: Confirm = ({ title }) => {
      asked.push(title)
      if (title.startsWith('c')) return Promise.reject(new LabError('STOPPED', 'stopped before it'))
      return Promise.resolve(!title.startsWith('a'))
    }
    const plays = [on('node1', write('a', '1'), write('b', '2'), write('c', '3'))]
    await expect(run(plays, { confirm })).rejects.toMatchObject({ code: 'STOPPED' })
    expect(asked).toEqual(['a is 1', 'b is 2', 'c is 3'])
    expect([await read('node1/a'), await read('node1/b'), await read('node1/c')]).toEqual([undefined, '2', undefined])
  })
})
