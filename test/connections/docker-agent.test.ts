import { createServer, get, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DockerAgent } from '../../src/connections/docker-agent.ts'

let server: Server
let opened: Duplex[]
let agent: DockerAgent

beforeEach(async () => {
  opened = []
  server = createServer((_request, response) => response.end('answer'))
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  agent = new DockerAgent(() => {
    // Like a channel of SSH: the other side's end does not end this one.
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    opened.push(socket)
    return Promise.resolve(socket)
  })
})
afterEach(() => {
  agent.destroy()
  server.close()
})

const ask = () =>
  new Promise<string>((resolve, reject) => {
    get({ agent, host: 'engine', path: '/' }, (response) => void text(response).then(resolve, reject)).once(
      'error',
      reject,
    )
  })

test('an idle socket serves the next request', async () => {
  expect(await ask()).toBe('answer')
  expect(await ask()).toBe('answer')
  expect(opened).toHaveLength(1)
})

test('one that the engine closed meanwhile does not', async () => {
  await ask()
  const [first] = opened
  const closed = new Promise((done) => first?.once('close', done))
  server.closeIdleConnections()
  await closed
  expect(await ask()).toBe('answer')
  expect(opened).toHaveLength(2)
})
