import { describe, expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import type { NodeVolumes } from '../../src/model/volume.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import { sharedPair } from './pool-nodes.ts'

const shared = sharedPair('btrfs')
const { onSource } = shared
const served = () => `${NODE_PATHS.served}/${shared.volume}`
const state = async (node: NodeVolumes) => (await node.state()).find(({ name }) => name === shared.volume)

describe('a volume that is in use', () => {
  test.each([
    ['a shell in its directory', (path: string) => `cd ${path}; exec sleep 300`, 'file'],
    ['an open file', (path: string) => `exec sleep 300 >${path}/open`, 'file'],
    [
      'another mount namespace',
      (path: string) => `exec unshare --mount --propagation private sh -c 'exec sleep 300' -- ${path}`,
      'mount',
    ],
  ] as const)('by %s is not fenced, and the user is named', async (_, command, kind) => {
    await shared.source.grant(shared.volume, 1)
    const unit = `use-${shared.volume}`
    await shared.pair.from.connection.exec({
      argv: ['systemd-run', '--quiet', `--unit=${unit}`, 'sh', '-c', command(served())],
    })
    try {
      await onSource(
        `n=0; until ${VOLUME_PATHS.serve} holders ${shared.volume} | grep -q sleep; do n=$((n+1)); [ $n -lt 100 ]; sleep 0.05; done`,
      )
      const { holders } = await shared.source.fence(shared.volume, 1, 1)
      expect(holders).toContainEqual(expect.objectContaining({ kind, command: 'sleep' }))
      expect(await state(shared.source)).toMatchObject({
        live: 'writable',
        served: true,
        leaseEpoch: 1,
        fencedEpoch: 0,
      })
    } finally {
      await onSource(`systemctl stop ${unit}`)
    }
    expect((await shared.source.fence(shared.volume, 1, 5)).holders).toEqual([])
  })

  test('is seen to be, although processes end while it is looked for', async () => {
    await shared.source.grant(shared.volume, 1)
    const unit = `seen-${shared.volume}`
    // Its number comes after those of the processes that end, in the order in which /proc is gone through.
    const last = '/proc/sys/kernel/ns_last_pid'
    const enter = `echo 900000 >${last}; exec unshare --mount --propagation private sleep 300`
    const churn = `echo 100000 >${last}; while :; do for i in 1 2 3 4 5 6 7 8; do sleep 0.0$i & done; wait; done`
    const start = (name: string, command: string) =>
      shared.pair.from.connection.exec({
        argv: ['systemd-run', '--quiet', `--unit=${unit}-${name}`, 'bash', '-c', command],
      })
    try {
      await start('user', enter)
      await onSource(
        `until ${VOLUME_PATHS.serve} holders ${shared.volume} | grep -q 'mount .* sleep '; do sleep 0.05; done`,
      )
      await start('churn', churn)
      // The path goes first, as in a fence: then only the other namespace has the volume.
      await onSource(`umount ${served()}`)
      const looks = await onSource(
        `for i in $(seq 50); do ${VOLUME_PATHS.serve} holders ${shared.volume} | grep -c 'mount .* sleep ' || true; done`,
      )
      expect(looks.trim().split('\n')).toEqual(Array.from({ length: 50 }, () => '1'))
    } finally {
      await onSource(`systemctl stop '${unit}-*'`)
    }
  })

  test('cannot be entered any more once the fence has seen that nobody is in it', async () => {
    await shared.source.grant(shared.volume, 1)
    const unit = `late-${shared.volume}`
    const wrapper = '/usr/local/sbin/sync'
    // The node's disk takes its time over the fence, and a container comes in meanwhile, with a mount of its own.
    const enter = `exec 3>>${served()}/late && exec sleep 300`
    await onSource(`cat >${wrapper} <<'END'
#!/bin/sh
systemd-run --quiet --unit=${unit}-$$ unshare --mount --propagation private bash -c '${enter}'
sleep 1
exec /usr/bin/sync "$@"
END
chmod 755 ${wrapper}`)
    try {
      expect((await shared.source.fence(shared.volume, 1, 5)).holders).toEqual([])
      expect(await shared.source.holders(shared.volume)).toEqual([])
      expect(await state(shared.source)).toMatchObject({ live: 'frozen', served: false, leaseEpoch: 0, fencedEpoch: 1 })
    } finally {
      await onSource(`rm ${wrapper}; systemctl stop '${unit}-*'; systemctl reset-failed '${unit}-*'`)
    }
  })
})
