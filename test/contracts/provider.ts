import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isIpInSubnet, nthAddress } from '../../src/model/addresses.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { frontContract } from './provider-front.ts'
import { limitsContract } from './provider-limits.ts'
import { openTrial, type ProviderUnderTest, type Trial } from './trial.ts'

/** What every provider must do. Runs on real machines, in a lab of its own. */
export function providerContract(subject: ProviderUnderTest): void {
  describe(`${subject.name} provider`, () => {
    let trial: Trial
    beforeAll(async () => {
      trial = await openTrial(subject)
    })
    afterAll(() => trial.close())

    test('the network holds the nodes and stays clear of every network of the host', async () => {
      const hostSubnets = await trial.network.hostSubnets()
      expect(hostSubnets).not.toContain(trial.network.subnet)
      expect(hostSubnets.some((subnet) => isIpInSubnet(nthAddress(trial.network.subnet, 11), subnet))).toBe(false)
      expect(trial.network.mtu).toBeGreaterThanOrEqual(576)
    })

    test('asking for the network again finds the one that exists', async () => {
      expect((await trial.provider.network(true))?.subnet).toBe(trial.network.subnet)
      expect((await trial.provider.network(false))?.subnet).toBe(trial.network.subnet)
    })

    test('machines are listed with what they were created with', async () => {
      const machines = await trial.provider.list()
      expect(machines.map(({ name, state: now, address, specDigest }) => [name, now, address, specDigest])).toEqual([
        ['first', 'running', nthAddress(trial.network.subnet, 11), 'digest-of-first'],
        ['second', 'running', nthAddress(trial.network.subnet, 12), 'digest-of-second'],
      ])
    })

    test('a node boots systemd without a failed unit and answers SSH with the key it was given', async () => {
      const script =
        'hostname; id -un; ps -o comm= -p 1; systemctl is-system-running --wait; systemctl --failed --plain --no-legend'
      expect(await trial.say('first', script)).toBe('first\nroot\nsystemd\nrunning')
    })

    test('nodes are machines of their own and reach one another by address', async () => {
      const ids = await Promise.all(['first', 'second'].map((name) => trial.say(name, 'cat /etc/machine-id')))
      expect(new Set(ids).size).toBe(2)
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
      expect(
        await trial.say('second', `ping -c 1 -W 5 ${nthAddress(trial.network.subnet, 11)} >/dev/null && echo reached`),
      ).toBe('reached')
    })

    test('a node runs an engine and mounts a loop file', async () => {
      const script = `
        systemctl start docker && docker info --format '{{.Driver}}' && systemctl stop docker docker.socket containerd
        truncate -s 200M /var/lib/lab/trial.img && mkfs.btrfs -q /var/lib/lab/trial.img &&
        mkdir -p /tmp/trial && mount -o loop /var/lib/lab/trial.img /tmp/trial && umount /tmp/trial && echo mounted
        rm /var/lib/lab/trial.img`
      expect(await trial.say('first', script)).toBe('overlay2\nmounted')
    })

    test('creating what exists starts nothing anew', async () => {
      const boot = await trial.say('first', 'stat -c %Y /proc/1')
      await trial.provider.create(await trial.request('first'), trial.signal)
      await trial.provider.start('first', trial.signal)
      expect(await trial.say('first', 'stat -c %Y /proc/1')).toBe(boot)
    })

    frontContract(() => trial)
    limitsContract(() => trial)

    test('a stopped node keeps address, keys and data, and starts again', async () => {
      await trial.say('second', 'echo kept >/var/lib/lab/kept && echo kept >/etc/kept')
      await trial.provider.stop('second')
      expect(await trial.stateOf('second')).toBe('stopped')
      await trial.provider.stop('second')
      await trial.provider.start('second', trial.signal)
      expect(await trial.say('second', 'cat /var/lib/lab/kept /etc/kept; hostname')).toBe('kept\nkept\nsecond')
      expect((await trial.provider.list()).find(({ name }) => name === 'second')?.address).toBe(
        nthAddress(trial.network.subnet, 12),
      )
    })

    test('a stop is a clean shutdown: units are stopped before the machine is', async () => {
      const unit = '[Service]\nExecStart=sleep infinity\nExecStop=touch /var/lib/lab/stopped-cleanly\n'
      await trial.onNode('second', async (node) => {
        await node.writeFile('/etc/systemd/system/witness.service', unit, 0o644)
        await node.script('systemctl daemon-reload && systemctl start witness')
      })
      await trial.provider.stop('second')
      await trial.provider.start('second', trial.signal)
      expect(await trial.say('second', 'ls /var/lib/lab/stopped-cleanly')).toBe('/var/lib/lab/stopped-cleanly')
    })

    test('a killed node is stopped, and comes back only when started', async () => {
      await trial.provider.kill('second')
      expect(await trial.stateOf('second')).toBe('stopped')
      await trial.provider.kill('second')
      await trial.provider.start('second', trial.signal)
      expect(await trial.say('second', 'hostname')).toBe('second')
    })

    test('a node whose keys were lost takes new ones', async () => {
      const others = openStateDirectory(join(trial.lab.directory, 'others'))
      await expect(trial.onNode('first', (node) => node.script('true'), others)).rejects.toMatchObject({
        code: 'HOST_KEY_CHANGED',
      })
      await trial.provider.restoreAccess(await trial.request('first', others))
      const answer = await trial.onNode('first', async (node) => (await node.script('hostname')).stdout.trim(), others)
      expect(answer).toBe('first')
    })

    test('destroying removes a node in seconds; destroying it again is no error', async () => {
      // Attached by hand and never detached: it does not clear itself.
      const script = 'truncate -s 50M /var/lib/lab/left.img && losetup --show -f /var/lib/lab/left.img'
      expect(await trial.say('second', script)).toMatch(/^\/dev\/loop\d+$/)
      const started = performance.now()
      await trial.provider.destroy('second')
      expect(performance.now() - started).toBeLessThan(10_000)
      expect((await trial.provider.list()).map(({ name }) => name)).toEqual(['first'])
      await trial.provider.destroy('second')
    })

    test('cleaning up leaves nothing of the lab behind', async () => {
      await trial.provider.destroy('first')
      await trial.provider.cleanUp({ images: false })
      expect(await trial.provider.list()).toEqual([])
      expect(await trial.provider.network(false)).toBeUndefined()
      expect(await subject.leftovers(trial.lab)).toEqual([])
      await trial.provider.cleanUp({ images: false })
    })
  })
}
