import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import ssh2 from 'ssh2'
import { afterEach, expect, test } from 'vitest'
import { openSsh } from '../../src/connections/ssh.ts'
import { waitFor } from '../../src/model/wait.ts'

let close: () => void = () => undefined
afterEach(() => {
  close()
})

test('a connection whose other end is gone is broken, also while what was sent is still on its way', async () => {
  const host = ssh2.utils.generateKeyPairSync('ed25519')
  const user = ssh2.utils.generateKeyPairSync('ed25519')
  const server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    client.on('authentication', (context) => {
      context.accept()
    })
    client.on('error', () => undefined)
    client.on('session', (accept) =>
      accept().on('exec', (confirm) => {
        confirm()
        confirmed += 1
      }),
    )
  })
  let confirmed = 0
  const sockets: Socket[] = []
  // The server of ssh2 has no event for it: the socket below the connection.
  const below = (server as unknown as { readonly _srv: Server })._srv
  below.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = await openSsh({
    node: 'node1',
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    user: 'root',
    privateKey: user.private,
    hostKey: host.public,
    deadlineMs: 5000,
  })
  close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }

  const sending = Array.from({ length: 4 }, () =>
    connection.exec({ argv: ['cat'], stdin: 'x'.repeat(16 << 20) }).catch((error: unknown) => error),
  )
  const all = () => (confirmed === sending.length ? true : undefined)
  await waitFor(() => Promise.resolve(all()), { deadlineMs: 5000, intervalMs: 1, what: 'the channels to be open' })
  // More than the kernel holds is on its way: nobody reads it.
  for (const socket of sockets) socket.pause().end()
  // One that was asked for before the end was seen waits for its answer like the others.
  const refused: unknown[] = []
  await waitFor(
    () => {
      connection.exec({ argv: ['true'] }).catch((error: unknown) => refused.push(error))
      return Promise.resolve(refused.length > 0 ? true : undefined)
    },
    { deadlineMs: 5000, intervalMs: 100, what: 'the connection to be seen as gone' },
  )
  expect(refused[0]).toMatchObject({ code: 'UNREACHABLE', message: 'the connection to node1 broke' })
  close()
  for (const error of await Promise.all(sending)) expect(error).toMatchObject({ code: 'UNREACHABLE' })
})
