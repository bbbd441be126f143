import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { readIdentity } from './identity.js'
import { GuestBook } from './guest-book.js'
import { createHandler } from './routes.js'

/** What is under way when SIGTERM comes has this long to end; the engine's own patience is 10 s. */
const GRACE_MS = 8000

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const identity = readIdentity(process.env, version)
const book = new GuestBook(process.env.MONGO_URL ?? 'mongodb://mongo:27017')
const server = createServer(
  { requestTimeout: 15_000, headersTimeout: 5000, keepAliveTimeout: 5000 },
  createHandler({ book, identity, log: (line) => console.log(line) }),
)

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`${identity.instance} (version ${version}) listens on port ${server.address().port}, on ${identity.node}`)
})

let stopping = false
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    if (stopping) return
    stopping = true
    console.log(`${signal}: no new connections; what is under way may finish`)
    setTimeout(() => server.closeAllConnections(), GRACE_MS).unref()
    // Idle connections are closed with it; busy ones end with their answer.
    await new Promise((resolve) => server.close(resolve))
    await book.close()
    console.log('stopped')
  })
}
