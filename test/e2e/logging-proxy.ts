import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A proxy that asks for a password and remembers what went through it. */
export interface LoggingProxy {
  readonly port: number
  /** Hosts that something was fetched from, as asked for. */
  readonly hosts: readonly string[]
  close(): Promise<void>
}

/** Starts a proxy for HTTP, and for TLS by CONNECT, on one port of several addresses of this machine. */
export async function startProxy(addresses: readonly string[], credentials: string): Promise<LoggingProxy> {
  const hosts: string[] = []
  const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`
  const allowed = (message: IncomingMessage) => message.headers['proxy-authorization'] === wanted
  const open = new Set<Duplex>()
  const servers: Server[] = []
  let port = 0
  for (const address of addresses) {
    const server = createServer((message, response) => {
      if (!allowed(message)) {
        response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end()
        return
      }
      const url = new URL(message.url ?? '')
      hosts.push(url.hostname)
      const headers = { ...message.headers }
      delete headers['proxy-authorization']
      const onward = request(url, { method: message.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      onward.on('error', () => response.destroy())
      message.pipe(onward)
    })
    server.on('connect', (message: IncomingMessage, client: Duplex, head: Buffer) => {
      open.add(client)
      client.on('error', () => undefined)
      if (!allowed(message)) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\n\r\n')
        return
      }
      const [host = '', onPort = '443'] = (message.url ?? '').split(':')
      hosts.push(host)
      const onward: Socket = connect(Number(onPort), host, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        onward.write(head)
        onward.pipe(client).pipe(onward)
      })
      open.add(onward)
      onward.on('error', () => client.destroy())
    })
    server.listen(port, address)
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    servers.push(server)
  }
  return {
    port,
    hosts,
    close: async () => {
      for (const each of open) each.destroy()
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
    },
  }
}
