import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../src/model/events.ts'
import { followActivity } from '../../src/reporters/activity.ts'
import { widthOf } from '../../src/reporters/text.ts'
import { COLUMNS, nodes, screen, step } from './told.ts'

describe('what runs now', () => {
  const activityAt = (clock: { ms: number }, events: readonly RunEvent[]) => {
    const activity = followActivity(() => clock.ms)
    for (const event of events) activity.on(event)
    return activity
  }
  const started: RunEvent[] = [
    { type: 'play-started', play: 'Engine', nodes },
    step('node2', 'write /etc/docker/daemon.json', { play: 'Engine' }),
    { type: 'task-started', task: 't1', title: 'install docker.io', node: 'node3' },
    { type: 'task-started', task: 't2', title: 'build nodeapp on mgmt', node: 'mgmt' },
    { type: 'task-progress', task: 't2', line: '#7 [3/5] RUN npm ci' },
  ]

  it('is shown with its node, its last line and for how long it has run', () => {
    const clock = { ms: 0 }
    const activity = activityAt(clock, started)
    clock.ms = 12_340
    const lines = activity.render(screen, 20)
    expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
      "
      ⠸ Engine  mgmt node1 node2 node3                                            12 s
        1 step, 1 changed · node2  write /etc/docker/daemon.json
      ⠸ node3  install docker.io                                                  12 s
      ⠸ build nodeapp on mgmt                                                     12 s
        #7 [3/5] RUN npm ci
      "
    `)
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(COLUMNS)
  })

  it('is shown shorter in few rows, and what is left out is counted', () => {
    const clock = { ms: 0 }
    const activity = activityAt(clock, [
      ...started,
      ...Array.from({ length: 30 }, (_, index): RunEvent => ({
        type: 'task-started',
        task: `n${String(index)}`,
        title: `create node${String(index)}`,
      })),
    ])
    const lines = activity.render(screen, 5)
    expect(lines).toHaveLength(5)
    expect(lines.at(-1)).toBe('  and 29 more')
  })

  it('is nothing when everything is over', () => {
    const activity = activityAt({ ms: 0 }, [
      ...started,
      { type: 'task-finished', task: 't1', title: '', outcome: 'done', durationMs: 1 },
      { type: 'task-finished', task: 't2', title: '', outcome: 'done', durationMs: 1 },
      { type: 'recap', hosts: {}, changed: 0, failed: 0, durationMs: 1 },
    ])
    expect(activity.render(screen, 20)).toEqual([])
  })
})
