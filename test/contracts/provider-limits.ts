import { expect, test } from 'vitest'
import { nodeUse } from '../../src/facts/node-use.ts'
import type { Trial } from './trial.ts'

/** That a machine gets what it may use, and no more. */
export function limitsContract(trial: () => Trial): void {
  test('a node over its memory loses what wants it, inside its own limit, and its neighbour loses nothing', async () => {
    const boots = async () => [
      await trial().say('first', 'stat -c %Y /proc/1'),
      await trial().say('second', 'stat -c %Y /proc/1'),
    ]
    const before = await boots()
    // As much as fits and more, on the neighbour too: what is killed is over the limit of its own node.
    const neighbour =
      'systemd-run --quiet --collect --unit=neighbour sh -c "head -c 300M /dev/zero | tail; sleep infinity"'
    await trial().say('second', neighbour)
    expect(await trial().say('first', 'tail /dev/zero; echo $?')).toMatch(/137$/)
    expect(await boots()).toEqual(before)
    expect(await trial().say('second', 'systemctl is-active neighbour; systemctl stop neighbour')).toBe('active')
    expect(await trial().say('first', 'systemctl is-system-running')).toBe('running')
  })

  test('a node says what it uses of what it may use, and gets no more processors than that', async () => {
    const burn = 'for i in 1 2 3; do timeout 5 sh -c "while :; do :; done" & done; sleep 1'
    const { stdout, status } = await trial().onNode('first', (node) => node.script(`${burn}\n${nodeUse.script}`))
    const use = nodeUse.parse({ stdout, status, stderr: '' })
    expect(use).toMatchObject({ memoryLimitBytes: 1 << 30, cpusLimit: 1 })
    expect(use.memoryBytes).toBeGreaterThan(5 << 20)
    expect(use.memoryBytes).toBeLessThan(1 << 30)
    expect(use.cpus).toBeGreaterThan(0)
    expect(use.cpus).toBeLessThan(1.5)
  })

  test('limits change while a node runs, are kept by it, and can be taken away', async ({ skip }) => {
    const { limits } = trial().provider
    if (limits === undefined) return skip('limits are given to machines when they are made')
    expect(await limits.read('second')).toEqual({ memoryBytes: 1 << 30, cpus: 1 })
    const boot = await trial().say('second', 'stat -c %Y /proc/1')
    await limits.apply('second', { memoryBytes: 1 << 29, cpus: undefined })
    expect(await limits.read('second')).toEqual({ memoryBytes: 1 << 29, cpus: undefined })
    const held = 'cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes'
    expect(await trial().say('second', `stat -c %Y /proc/1; ${held}`)).toBe(`${boot}\n${String(1 << 29)}`)
    const used = await limits.used('second')
    expect(used).toBeGreaterThan(1 << 20)
    expect(used).toBeLessThan(1 << 29)
    await limits.apply('second', { memoryBytes: undefined, cpus: 0.5 })
    expect(await limits.read('second')).toEqual({ memoryBytes: undefined, cpus: 0.5 })
    expect(await limits.read('nobody')).toBeUndefined()
  })
}
