import { describe, expect, it } from 'vitest'
import { renderSnapshots } from '../../src/reporters/snapshots-view.ts'
import { makeStyle } from '../../src/reporters/style.ts'

const screen = { columns: 80, style: makeStyle(false) }
const show = (lines: readonly string[]) => `\n${lines.join('\n')}\n`

describe('snapshots', () => {
  it('are listed with what they take', () => {
    const machine = (name: string) => ({
      name,
      address: '10.90.3.11',
      specDigest: 'abc',
      memoryBytes: undefined,
      cpus: undefined,
    })
    const snapshot = {
      name: 'before',
      createdAt: '2026-01-02T03:04:05.678Z',
      subnet: '10.90.3.0/24',
      machines: [machine('mgmt'), machine('node1')],
      sizeBytes: 118_489_088,
      sharedBytes: 1_500_000_000,
    }
    expect(show(renderSnapshots({ snapshots: [snapshot] }, screen))).toBe(`
SNAPSHOT   SAVED                     SIZE    SHARED   NODES
before     2026-01-02 03:04:05Z   113 MiB   1.4 GiB   mgmt node1
`)
  })

  it('that are not there are asked for', () => {
    expect(renderSnapshots({ snapshots: [] }, screen)).toEqual(['no snapshots yet: lab snapshot save NAME'])
  })
})
