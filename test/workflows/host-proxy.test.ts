import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { environmentForNodes, refuseLoopbackProxy } from '../../src/workflows/host-proxy.ts'

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A port of an address of this machine that something listens on. */
async function listen(address: string): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, address)
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const host = (proxy: Readonly<Record<string, string>>) => ({ extraCertificates: undefined, proxy })

test('a proxy that answers on the loopback only is refused, without its password', async () => {
  const port = String(await listen('127.0.0.1'))
  const proxy = { HTTPS_PROXY: `http://me:sesame-open@127.0.0.1:${port}` }
  const refused = refuseLoopbackProxy(host(proxy))
  await expect(refused).rejects.toMatchObject({ code: 'PROXY_ON_LOOPBACK', exitCode: 64 })
  await expect(refused).rejects.not.toThrow('sesame')
  expect(await environmentForNodes(host(proxy))).toEqual(host(proxy))
})

test('one that nodes reach by another address of this machine is given to them by that', async () => {
  // Stands for the gateway of the nodes' network: another address than the one the variable names.
  const port = String(await listen('127.0.0.2'))
  const { proxy } = await environmentForNodes(host({ http_proxy: `127.0.0.1:${port}` }), '127.0.0.2')
  expect(proxy).toEqual({ http_proxy: `http://127.0.0.2:${port}` })
})

test('proxies elsewhere are nobody to ask about', async () => {
  const elsewhere = host({ HTTP_PROXY: 'http://proxy.example:3128', NO_PROXY: 'localhost' })
  await refuseLoopbackProxy(elsewhere)
  expect(await environmentForNodes(elsewhere, '10.0.0.1')).toBe(elsewhere)
})
