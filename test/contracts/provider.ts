import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSsh } from '../../src/connections/ssh.ts'
import { nodeUse } from '../../src/facts/node-use.ts'
import { isIpInSubnet, nthAddress } from '../../src/model/addresses.ts'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import type { LabIdentity, LabSpec, NodeSpec } from '../../src/model/lab-spec.ts'
import type { Endpoint, LabNetwork, MachineRequest, Provider } from '../../src/model/provider.ts'
import { waitFor } from '../../src/model/wait.ts'
import { hostKey, labKey } from '../../src/secrets/lab-secrets.ts'
import { openStateDirectory, type StateDirectory } from '../../src/secrets/state-directory.ts'

/** What a provider is tried with. */
export interface ProviderUnderTest {
  readonly name: string
  create(options: { readonly lab: LabIdentity; readonly spec: LabSpec }): Provider
  /** Checks of this provider's own: `leftovers` names what still exists of a lab, in whatever words. */
  leftovers(lab: LabIdentity): Promise<readonly string[]>
}

/** What every provider must do. Runs on real machines, in a lab of its own. */
export function providerContract(subject: ProviderUnderTest): void {
  describe(`${subject.name} provider`, () => {
    const signal = new AbortController().signal
    let directory: string
    let lab: LabIdentity
    let state: StateDirectory
    let provider: Provider
    let network: LabNetwork
    let busy: Server
    let busyPort: number

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'lab-provider-'))
      const id = `contract-${directory.slice(-6).toLowerCase()}`
      lab = { id, name: 'contract', directory, stateDirectory: join(directory, '.lab') }
      state = openStateDirectory(lab.stateDirectory)
      provider = subject.create({ lab, spec: specOf('first', 'second') })
      await provider.prepare(() => undefined, signal)
      ;({ server: busy, port: busyPort } = await occupy(0))
      const created = await provider.network(true)
      if (created === undefined) throw new Error('no network was created')
      network = created
      const requests = [await request('first'), await request('second')]
      await Promise.all(requests.map((each) => provider.create(each, signal)))
    })

    afterAll(async () => {
      for (const machine of await provider.list()) await provider.destroy(machine.name)
      await provider.cleanUp({ images: false })
      busy.close()
      await rm(directory, { recursive: true, force: true })
    })

    async function request(name: 'first' | 'second', keys: StateDirectory = state): Promise<MachineRequest> {
      const [key, host] = await Promise.all([labKey(keys), hostKey(keys, name)])
      return {
        node: nodeSpec(name),
        address: nthAddress(network.subnet, name === 'first' ? 11 : 12),
        hostname: name,
        hostKey: host,
        authorizedKey: key.publicKey,
        specDigest: `digest-of-${name}`,
      }
    }

    async function onNode<T>(name: string, work: (node: Connection) => Promise<T>, keys = state): Promise<T> {
      const machine = (await provider.list()).find((each) => each.name === name)
      if (machine?.ssh === undefined) throw new Error(`${name} has no SSH address`)
      const [key, host] = await Promise.all([labKey(keys), hostKey(keys, name)])
      const ssh = { node: name, ...machine.ssh, privateKey: key.privateKey, hostKey: host.publicKey }
      const connection = await waitFor(
        async () => {
          try {
            return await openSsh({ ...ssh, deadlineMs: 5000, signal })
          } catch (error) {
            // Its SSH server is not up yet. Wrong keys are another matter.
            if (error instanceof LabError && error.code === 'UNREACHABLE') return undefined
            throw error
          }
        },
        { deadlineMs: 30_000, intervalMs: 50, what: `${name} to answer SSH` },
      )
      try {
        return await work(connection)
      } finally {
        await connection.close()
      }
    }

    const say = async (name: string, script: string) =>
      onNode(name, async (node) => (await node.script(script)).stdout.trim())
    const stateOf = async (name: string) => (await provider.list()).find((each) => each.name === name)?.state

    test('the network holds the nodes and stays clear of every network of the host', async () => {
      const hostSubnets = await network.hostSubnets()
      expect(hostSubnets).not.toContain(network.subnet)
      expect(hostSubnets.some((subnet) => isIpInSubnet(nthAddress(network.subnet, 11), subnet))).toBe(false)
      expect(network.mtu).toBeGreaterThanOrEqual(576)
    })

    test('asking for the network again finds the one that exists', async () => {
      expect((await provider.network(true))?.subnet).toBe(network.subnet)
      expect((await provider.network(false))?.subnet).toBe(network.subnet)
    })

    test('machines are listed with what they were created with', async () => {
      const machines = await provider.list()
      expect(machines.map(({ name, state: now, address, specDigest }) => [name, now, address, specDigest])).toEqual([
        ['first', 'running', nthAddress(network.subnet, 11), 'digest-of-first'],
        ['second', 'running', nthAddress(network.subnet, 12), 'digest-of-second'],
      ])
    })

    test('a node boots systemd without a failed unit and answers SSH with the key it was given', async () => {
      const script =
        'hostname; id -un; ps -o comm= -p 1; systemctl is-system-running --wait; systemctl --failed --plain --no-legend'
      expect(await say('first', script)).toBe('first\nroot\nsystemd\nrunning')
    })

    test('nodes are machines of their own and reach one another by address', async () => {
      const ids = await Promise.all(['first', 'second'].map((name) => say(name, 'cat /etc/machine-id')))
      expect(new Set(ids).size).toBe(2)
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
      expect(await say('second', `ping -c 1 -W 5 ${nthAddress(network.subnet, 11)} >/dev/null && echo reached`)).toBe(
        'reached',
      )
    })

    test('a node runs an engine and mounts a loop file', async () => {
      const script = `
        systemctl start docker && docker info --format '{{.Driver}}' && systemctl stop docker docker.socket containerd
        truncate -s 200M /var/lib/lab/trial.img && mkfs.btrfs -q /var/lib/lab/trial.img &&
        mkdir -p /tmp/trial && mount -o loop /var/lib/lab/trial.img /tmp/trial && umount /tmp/trial && echo mounted
        rm /var/lib/lab/trial.img`
      expect(await say('first', script)).toBe('overlay2\nmounted')
    })

    test('creating what exists starts nothing anew', async () => {
      const boot = await say('first', 'stat -c %Y /proc/1')
      await provider.create(await request('first'), signal)
      await provider.start('first', signal)
      expect(await say('first', 'stat -c %Y /proc/1')).toBe(boot)
    })

    test('a node over its memory loses what wants it, inside its own limit, and its neighbour loses nothing', async () => {
      const boots = async () => [await say('first', 'stat -c %Y /proc/1'), await say('second', 'stat -c %Y /proc/1')]
      const before = await boots()
      // As much as fits and more, on the neighbour too: what is killed is over the limit of its own node.
      const neighbour =
        'systemd-run --quiet --collect --unit=neighbour sh -c "head -c 300M /dev/zero | tail; sleep infinity"'
      await say('second', neighbour)
      expect(await say('first', 'tail /dev/zero; echo $?')).toMatch(/137$/)
      expect(await boots()).toEqual(before)
      expect(await say('second', 'systemctl is-active neighbour; systemctl stop neighbour')).toBe('active')
      expect(await say('first', 'systemctl is-system-running')).toBe('running')
    })

    test('a node says what it uses of what it may use, and gets no more processors than that', async () => {
      const burn = 'for i in 1 2 3; do timeout 5 sh -c "while :; do :; done" & done; sleep 1'
      const { stdout, status } = await onNode('first', (node) => node.script(`${burn}\n${nodeUse.script}`))
      const use = nodeUse.parse({ stdout, status, stderr: '' })
      expect(use).toMatchObject({ memoryLimitBytes: 1 << 30, cpusLimit: 1 })
      expect(use.memoryBytes).toBeGreaterThan(5 << 20)
      expect(use.memoryBytes).toBeLessThan(1 << 30)
      expect(use.cpus).toBeGreaterThan(0)
      expect(use.cpus).toBeLessThan(1.5)
    })

    test('the front leads to what it is told, on the next free port where the wished one is taken', async () => {
      const { front } = provider
      if (front === undefined) return
      await onNode('first', async (node) => {
        const unit = '[Service]\nExecStart=busybox httpd -f -p 80 -h /etc/hostname.d\n'
        await node.writeFile('/etc/systemd/system/web.service', unit, 0o644)
        await node.script('mkdir -p /etc/hostname.d && hostname >/etc/hostname.d/name && systemctl start web')
      })
      const wanted = { hostPort: busyPort, edges: [{ name: 'first', address: nthAddress(network.subnet, 11) }] }
      expect(await front.lead(wanted, signal)).toBe(true)
      expect(await front.lead(wanted, signal)).toBe(false)
      const found = await front.endpoint(80)
      expect(found?.host).toBe('127.0.0.1')
      expect(found?.port).toBeGreaterThan(busyPort)
      expect(found?.port).toBeLessThan(busyPort + 100)
      expect(await nameBehind(found)).toBe('first\n')
    })

    test('the front keeps its port and stays open while where it leads to changes', async () => {
      const { front } = provider
      if (front === undefined) return
      const before = await front.endpoint(80)
      const edges = ['first', 'second'].map((name, index) => ({
        name,
        address: nthAddress(network.subnet, 11 + index),
      }))
      expect(await front.lead({ hostPort: busyPort, edges }, signal)).toBe(true)
      expect(await front.endpoint(80)).toEqual(before)
      // Nothing listens on the second one: whoever asks is led to the first.
      expect(await nameBehind(before)).toBe('first\n')
    })

    test('a front whose port was taken while it was stopped takes another one', async () => {
      const { front } = provider
      const before = await front?.endpoint(80)
      if (front === undefined || before === undefined) return
      await front.stop()
      expect(await front.endpoint(80)).toBeUndefined()
      const squatter = await occupy(before.port)
      try {
        const edges = [{ name: 'first', address: nthAddress(network.subnet, 11) }]
        expect(await front.lead({ hostPort: busyPort, edges }, signal)).toBe(true)
        const after = await front.endpoint(80)
        expect(after?.port).toBeGreaterThan(before.port)
        expect(await nameBehind(after)).toBe('first\n')
      } finally {
        squatter.server.close()
      }
    })

    test('a stopped node keeps address, keys and data, and starts again', async () => {
      await say('second', 'echo kept >/var/lib/lab/kept && echo kept >/etc/kept')
      await provider.stop('second')
      expect(await stateOf('second')).toBe('stopped')
      await provider.stop('second')
      await provider.start('second', signal)
      expect(await say('second', 'cat /var/lib/lab/kept /etc/kept; hostname')).toBe('kept\nkept\nsecond')
      expect((await provider.list()).find(({ name }) => name === 'second')?.address).toBe(
        nthAddress(network.subnet, 12),
      )
    })

    test('a stop is a clean shutdown: units are stopped before the machine is', async () => {
      const unit = '[Service]\nExecStart=sleep infinity\nExecStop=touch /var/lib/lab/stopped-cleanly\n'
      await onNode('second', async (node) => {
        await node.writeFile('/etc/systemd/system/witness.service', unit, 0o644)
        await node.script('systemctl daemon-reload && systemctl start witness')
      })
      await provider.stop('second')
      await provider.start('second', signal)
      expect(await say('second', 'ls /var/lib/lab/stopped-cleanly')).toBe('/var/lib/lab/stopped-cleanly')
    })

    test('a killed node is stopped, and comes back only when started', async () => {
      await provider.kill('second')
      expect(await stateOf('second')).toBe('stopped')
      await provider.kill('second')
      await provider.start('second', signal)
      expect(await say('second', 'hostname')).toBe('second')
    })

    test('limits change while a node runs, are kept by it, and can be taken away', async ({ skip }) => {
      const { limits } = provider
      if (limits === undefined) return skip('limits are given to machines when they are made')
      expect(await limits.read('second')).toEqual({ memoryBytes: 1 << 30, cpus: 1 })
      const boot = await say('second', 'stat -c %Y /proc/1')
      await limits.apply('second', { memoryBytes: 1 << 29, cpus: undefined })
      expect(await limits.read('second')).toEqual({ memoryBytes: 1 << 29, cpus: undefined })
      const held = 'cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes'
      expect(await say('second', `stat -c %Y /proc/1; ${held}`)).toBe(`${boot}\n${String(1 << 29)}`)
      const used = await limits.used('second')
      expect(used).toBeGreaterThan(1 << 20)
      expect(used).toBeLessThan(1 << 29)
      await limits.apply('second', { memoryBytes: undefined, cpus: 0.5 })
      expect(await limits.read('second')).toEqual({ memoryBytes: undefined, cpus: 0.5 })
      expect(await limits.read('nobody')).toBeUndefined()
    })

    test('a node whose keys were lost takes new ones', async () => {
      const others = openStateDirectory(join(directory, 'others'))
      await expect(onNode('first', (node) => node.script('true'), others)).rejects.toMatchObject({
        code: 'HOST_KEY_CHANGED',
      })
      await provider.restoreAccess(await request('first', others))
      const answer = await onNode('first', async (node) => (await node.script('hostname')).stdout.trim(), others)
      expect(answer).toBe('first')
    })

    test('destroying removes a node in seconds; destroying it again is no error', async () => {
      // Attached by hand and never detached: it does not clear itself.
      const script = 'truncate -s 50M /var/lib/lab/left.img && losetup --show -f /var/lib/lab/left.img'
      expect(await say('second', script)).toMatch(/^\/dev\/loop\d+$/)
      const started = performance.now()
      await provider.destroy('second')
      expect(performance.now() - started).toBeLessThan(10_000)
      expect((await provider.list()).map(({ name }) => name)).toEqual(['first'])
      await provider.destroy('second')
    })

    test('cleaning up leaves nothing of the lab behind', async () => {
      await provider.destroy('first')
      await provider.cleanUp({ images: false })
      expect(await provider.list()).toEqual([])
      expect(await provider.network(false)).toBeUndefined()
      expect(await subject.leftovers(lab)).toEqual([])
      await provider.cleanUp({ images: false })
    })
  })
}

/** What answers behind an endpoint, once it does. */
async function nameBehind(endpoint: Endpoint | undefined): Promise<string> {
  const url = `http://${endpoint?.host ?? ''}:${String(endpoint?.port ?? 0)}/name`
  return waitFor(
    async () =>
      fetch(url, { headers: { connection: 'close' } }).then(
        (r) => r.text(),
        () => undefined,
      ),
    {
      deadlineMs: 20_000,
      what: `${url} to answer`,
    },
  )
}

function nodeSpec(name: string): NodeSpec {
  return { name, roles: ['worker'], memoryBytes: 1 << 30, cpus: 1, vars: {} }
}

function specOf(...names: readonly string[]): LabSpec {
  return {
    name: 'contract',
    provider: 'docker',
    subnet: 'auto',
    nodes: names.map(nodeSpec),
    edge: { port: 8080, ports: [] },
    volumes: { driver: 'auto', poolSizeBytes: 1 << 30 },
    apps: [],
    vars: {},
  }
}

/** Listens on a port of the loopback, so that nobody else can; 0 takes a free one. */
async function occupy(wished: number): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(wished, '127.0.0.1', resolve)
  })
  const address = server.address()
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 }
}
