import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nthAddress } from '../../src/model/addresses.ts'
import type { Endpoint } from '../../src/model/provider.ts'
import { waitFor } from '../../src/model/wait.ts'
import type { Trial } from './trial.ts'

const NONE = 'each edge is reached at its own address'

/** What the front of a provider must do, where it has one. */
export function frontContract(trial: () => Trial): void {
  let busy: Server
  let busyPort: number

  beforeAll(async () => {
    ;({ server: busy, port: busyPort } = await occupy(0))
  })
  afterAll(() => {
    busy.close()
  })

  test('the front leads to what it is told, on the next free port where the wished one is taken', async ({ skip }) => {
    const { front } = trial().provider
    if (front === undefined) return skip(NONE)
    await trial().onNode('first', async (node) => {
      const unit = '[Service]\nExecStart=busybox httpd -f -p 80 -h /etc/hostname.d\n'
      await node.writeFile('/etc/systemd/system/web.service', unit, 0o644)
      await node.script('mkdir -p /etc/hostname.d && hostname >/etc/hostname.d/name && systemctl start web')
    })
    const wanted = { hostPort: busyPort, edges: [{ name: 'first', address: nthAddress(trial().network.subnet, 11) }] }
    expect(await front.lead(wanted, trial().signal)).toBe(true)
    expect(await front.lead(wanted, trial().signal)).toBe(false)
    const found = await front.endpoint(80)
    expect(found?.host).toBe('127.0.0.1')
    expect(found?.port).toBeGreaterThan(busyPort)
    expect(found?.port).toBeLessThan(busyPort + 100)
    expect(await nameBehind(found)).toBe('first\n')
  })

  test('the front keeps its port and stays open while where it leads to changes', async ({ skip }) => {
    const { front } = trial().provider
    if (front === undefined) return skip(NONE)
    const before = await front.endpoint(80)
    const edges = ['first', 'second'].map((name, index) => ({
      name,
      address: nthAddress(trial().network.subnet, 11 + index),
    }))
    expect(await front.lead({ hostPort: busyPort, edges }, trial().signal)).toBe(true)
    expect(await front.endpoint(80)).toEqual(before)
    // Nothing listens on the second one: whoever asks is led to the first.
    expect(await nameBehind(before)).toBe('first\n')
  })

  test('a front whose port was taken while it was stopped takes another one', async ({ skip }) => {
    const { front } = trial().provider
    if (front === undefined) return skip(NONE)
    const before = await front.endpoint(80)
    if (before === undefined) throw new Error('the front is not open')
    await front.stop()
    expect(await front.endpoint(80)).toBeUndefined()
    const squatter = await occupy(before.port)
    try {
      const edges = [{ name: 'first', address: nthAddress(trial().network.subnet, 11) }]
      expect(await front.lead({ hostPort: busyPort, edges }, trial().signal)).toBe(true)
      const after = await front.endpoint(80)
      expect(after?.port).toBeGreaterThan(before.port)
      expect(await nameBehind(after)).toBe('first\n')
    } finally {
      squatter.server.close()
    }
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
