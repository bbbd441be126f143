import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import type { KeyPair } from '../../src/model/site.ts'
import { createServerCertificate } from '../../src/secrets/certificates.ts'

/** A proxy that asks for a password and remembers what went through it. */
export interface LoggingProxy {
  readonly port: number
  /** Hosts that something was fetched from, as asked for. */
  readonly hosts: readonly string[]
  /** Of those, the ones whose TLS it opened, and whose client believed what it was shown. */
  readonly opened: readonly string[]
  close(): Promise<void>
}

/**
 * Starts a proxy for HTTP, and for TLS by CONNECT, on one port of several addresses of this machine. With an authority it
 * opens TLS, as those of many companies do: it is the server of whoever connects, with a certificate of its own making.
 */
export async function startProxy(
  addresses: readonly string[],
  credentials: string,
  authority?: KeyPair,
): Promise<LoggingProxy> {
  const hosts: string[] = []
  const opened: string[] = []
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
      const to = { host, port: Number(onPort) }
      const tunnel =
        authority === undefined
          ? passOn(message.socket, head, to)
          : openTls(message.socket, head, to, authority).then(() => void opened.push(host))
      tunnel.catch(() => client.destroy())
    })
    server.listen(port, address)
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    servers.push(server)
  }
  return {
    port,
    hosts,
    opened,
    close: async () => {
      for (const each of open) each.destroy()
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
    },
  }
}

interface Target {
  readonly host: string
  readonly port: number
}

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

/** Hands bytes on in both directions. */
async function passOn(client: Socket, head: Buffer, to: Target): Promise<void> {
  const onward = bound(connect(to), client)
  await once(onward, 'connect')
  client.write(ESTABLISHED)
  onward.write(head)
  onward.pipe(client).pipe(onward)
}

/** Is the server for the client and a client of the server; ends once the client has believed the certificate. */
async function openTls(client: Socket, head: Buffer, to: Target, authority: KeyPair): Promise<void> {
  const onward = bound(connectTls({ ...to, servername: to.host }), client)
  const [{ certificate, privateKey }] = await Promise.all([
    createServerCertificate(authority, [to.host]),
    once(onward, 'secureConnect'),
  ])
  client.write(ESTABLISHED)
  if (head.length > 0) client.unshift(head)
  const secureContext = createSecureContext({ cert: certificate, key: privateKey })
  const inside = new TLSSocket(client, { isServer: true, secureContext })
  inside.on('error', () => client.destroy())
  onward.pipe(inside).pipe(onward)
  await once(inside, 'secure')
}

/** A connection onward that ends with its client, and its client with it. */
function bound<T extends Socket>(onward: T, client: Socket): T {
  client.once('close', () => onward.destroy())
  onward.once('close', () => client.destroySoon())
  onward.on('error', () => client.destroy())
  return onward
}
