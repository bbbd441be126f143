import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSsh, type SshOptions } from '../../src/connections/ssh.ts'
import { hostKey, labKey } from '../../src/secrets/lab-secrets.ts'
import { connectionContract } from '../contracts/connection.ts'
import { startNodes, type TestNodes } from '../node-fixture.ts'

let started: TestNodes
let options: SshOptions
beforeAll(async () => {
  started = await startNodes('node1')
  const machine = (await started.open.machines())[0]
  if (machine?.ssh === undefined) throw new Error('the node has no SSH endpoint')
  options = {
    node: 'node1',
    ...machine.ssh,
    privateKey: (await labKey(started.open.state)).privateKey,
    hostKey: (await hostKey(started.open.state, 'node1')).publicKey,
    deadlineMs: 5000,
  }
})
afterAll(() => started.destroy())

connectionContract('ssh', () => openSsh(options))

describe('opening SSH', () => {
  test('a host key other than the known one is refused, whatever the key we have', async () => {
    const other = await hostKey(started.open.state, 'somebody-else')
    await expect(openSsh({ ...options, hostKey: other.publicKey })).rejects.toMatchObject({ code: 'HOST_KEY_CHANGED' })
  })

  test('a key the node does not know is an error of its own', async () => {
    const { privateKey } = await hostKey(started.open.state, 'somebody-else')
    await expect(openSsh({ ...options, privateKey })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      where: /node1/ as never,
    })
  })

  test('a node that is off is unreachable at once, and until the deadline where it may be booting', async () => {
    await started.open.provider.stop('node1')
    const begun = performance.now()
    await expect(openSsh(options)).rejects.toMatchObject({ code: 'UNREACHABLE', hint: expect.any(String) as string })
    expect(performance.now() - begun).toBeLessThan(4000)
    await started.open.provider.start('node1', started.open.signal)
    started.open.refresh()
    const ssh = (await started.open.machines())[0]?.ssh
    const connection = await openSsh({ ...options, ...ssh, deadlineMs: 60_000, retryWhileBooting: true })
    expect((await connection.exec({ argv: ['echo', 'back'] })).stdout).toBe('back\n')
    await connection.close()
  })

  test('an abort ends the waiting', async () => {
    const abort = new AbortController()
    const waiting = openSsh({ ...options, port: 1, deadlineMs: 60_000, retryWhileBooting: true, signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
