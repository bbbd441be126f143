import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'

interface Message {
  readonly id: string
  readonly text: string
  readonly at: string
  readonly instance: string
  readonly node: string
}

/** What the app wants of a guest book; kept in memory here, since the real one needs a database. */
interface Book {
  add: (message: { text: string; instance: string; node: string }) => Promise<Message>
  read: (limit: number) => Promise<{ total: number; pages: AsyncIterable<readonly Message[]> }>
}

interface Routes {
  createHandler: (app: { book: Book; identity: object; log: (line: string) => void }) => RequestListener
}

interface Errors {
  BookUnavailable: new (message: string) => Error
}

// The app is plain JavaScript, as its Dockerfile runs it.
const load = async <T>(file: string) =>
  (await import(new URL(`../../apps/nodeapp/src/${file}`, import.meta.url).href)) as T
const { createHandler } = await load<Routes>('routes.js')
const { BookUnavailable } = await load<Errors>('errors.js')
const { readIdentity } = await load<{
  readIdentity: (environment: Record<string, string>, version: string) => { instance: string; node: string }
}>('identity.js')

const PAGE = 3
const identity = { instance: 'nodeapp.2', node: 'node3', version: '1.2.3' }
let messages: Message[]
let fails: Error | undefined
let pagesRead: number
let lines: string[]
let server: Server
let url: string

const book: Book = {
  add: (message) => {
    if (fails !== undefined) return Promise.reject(fails)
    const added = { id: String(messages.length + 1), at: new Date(1e12).toISOString(), ...message }
    messages.unshift(added)
    return Promise.resolve(added)
  },
  read: (limit) => {
    if (fails !== undefined) return Promise.reject(fails)
    const wanted = messages.slice(0, limit)
    async function* pages() {
      for (let start = 0; start < wanted.length; start += PAGE) {
        pagesRead++
        yield await Promise.resolve(wanted.slice(start, start + PAGE))
      }
    }
    return Promise.resolve({ total: messages.length, pages: pages() })
  },
}

beforeEach(async () => {
  messages = []
  fails = undefined
  pagesRead = 0
  lines = []
  server = createServer(createHandler({ book, identity, log: (line) => lines.push(line) }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function post(body: string | Uint8Array): Promise<Response> {
  return fetch(`${url}/api/messages`, { method: 'POST', body: body })
}

async function reason(response: Response): Promise<string> {
  return ((await response.json()) as { error: string }).error
}

test('a message is answered with 201, its id, and who took it', async () => {
  const response = await post('{"text":"hello"}')
  expect(response.status).toBe(201)
  expect(await response.json()).toEqual({
    id: '1',
    text: 'hello',
    at: '2001-09-09T01:46:40.000Z',
    instance: 'nodeapp.2',
    node: 'node3',
  })
})

test.each([
  ['nonsense', /not JSON/],
  ['', /not JSON/],
  ['null', /object/],
  ['[1]', /object/],
  ['{}', /"text" is missing/],
  ['{"text":7}', /must be a string/],
  ['{"text":""}', /must not be empty/],
  ['{"text":"  \\n "}', /must not be empty/],
  [JSON.stringify({ text: 'x'.repeat(10_001) }), /10001 characters; at most 10000/],
])('the body %.40j is refused with 400 and the reason', async (body, expected) => {
  const response = await post(body)
  expect(response.status).toBe(400)
  expect(await reason(response)).toMatch(expected)
  expect(messages).toEqual([])
})

test('a body that is not UTF-8 is refused', async () => {
  const response = await post(Buffer.from([0x7b, 0xff, 0xfe]))
  expect(response.status).toBe(400)
  expect(await reason(response)).toMatch(/UTF-8/)
})

test('a body that is too large is refused with 413, and the client gets to read it', async () => {
  const response = await post('x'.repeat(300_000))
  expect(response.status).toBe(413)
  expect(await reason(response)).toMatch(/larger than/)
})

test('half a surrogate pair is mended before it is kept, so that all see the same text', async () => {
  const response = await post('{"text":"\\ud800!"}')
  expect(((await response.json()) as Message).text).toBe('\ufffd!')
})

test.each([['0'], ['-1'], ['1.5'], ['1e3'], ['abc'], [''], ['1000001']])(
  'limit=%s is refused with 400 and the reason',
  async (limit) => {
    const response = await fetch(`${url}/api/messages?limit=${limit}`)
    expect(response.status).toBe(400)
    expect(await reason(response)).toMatch(/whole number from 1 to 1000000/)
  },
)

test('messages are listed newest first, with the number of all of them', async () => {
  for (let i = 1; i <= 8; i++) await post(JSON.stringify({ text: `text ${String(i)}` }))
  const response = await fetch(`${url}/api/messages?limit=5`)
  const list = (await response.json()) as { total: number; messages: readonly Message[] }
  expect(list.total).toBe(8)
  expect(list.messages.map(({ text }) => text)).toEqual(['text 8', 'text 7', 'text 6', 'text 5', 'text 4'])
})

test('a long list is read from the book only as fast as the client takes it', async () => {
  messages = Array.from({ length: 9000 }, (_, index) => ({
    id: String(9000 - index),
    text: 'x'.repeat(5000),
    at: '',
    instance: '',
    node: '',
  }))
  const response = await fetch(`${url}/api/messages?limit=1000000`)
  const reader = response.body?.getReader()
  await reader?.read()
  // Buffers on the way hold some megabytes of the 45; then the app waits.
  let before = -1
  while (pagesRead !== before) {
    before = pagesRead
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(pagesRead).toBeLessThan(3000)
  let bytes = 0
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    bytes += (part.value as Uint8Array).length
  }
  expect(bytes).toBeGreaterThan(44e6)
  expect(pagesRead).toBe(3000)
})

test('an answer that breaks off in the middle does not look whole', async () => {
  messages = [{ id: '1', text: 'x', at: '', instance: '', node: '' }]
  const read = book.read
  book.read = async (limit) => {
    const { total, pages } = await read(limit)
    async function* breaking() {
      yield* pages
      throw await Promise.resolve(new BookUnavailable('gone'))
    }
    return { total, pages: breaking() }
  }
  try {
    await expect(fetch(`${url}/api/messages`).then((response) => response.text())).rejects.toThrow()
  } finally {
    book.read = read
  }
})

test('who answers is told with node and version, and needs no book', async () => {
  fails = new BookUnavailable('connect ECONNREFUSED')
  expect(await (await fetch(`${url}/api/whoami`)).json()).toEqual(identity)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('while the database is away everything that needs it says so with 503', async () => {
  fails = new BookUnavailable('connect ECONNREFUSED')
  for (const response of [await post('{"text":"x"}'), await fetch(`${url}/api/messages`)]) {
    expect(response.status).toBe(503)
    expect(await reason(response)).toMatch(/guest book is away.*try again.*ECONNREFUSED/)
  }
  const page = await fetch(url)
  expect(page.status).toBe(503)
  const html = await page.text()
  expect(html).toContain('guest book is away')
  expect(html).toContain('nodeapp.2')
})

test('the page shows who answered and escapes what visitors wrote', async () => {
  await post(JSON.stringify({ text: `<script>alert("1")</script> & 'so'` }))
  const response = await fetch(url)
  const html = await response.text()
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(html).toContain('<b>nodeapp.2</b> on <b>node3</b>')
  expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;so&#39;')
  expect(html).not.toContain('<script')
})

test('the form works without a script: it writes and leads back to the page', async () => {
  const send = (text: string) =>
    fetch(`${url}/messages`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ text }) })
  const written = await send('from the form')
  expect(written.status).toBe(303)
  expect(written.headers.get('location')).toBe('/')
  expect(messages[0]?.text).toBe('from the form')

  fails = new BookUnavailable('away')
  const kept = await send('typed "in vain"')
  expect(kept.status).toBe(503)
  expect(await kept.text()).toContain('value="typed &quot;in vain&quot;"')
})

test('unknown paths and methods are told apart', async () => {
  expect((await fetch(`${url}/nothing`)).status).toBe(404)
  expect((await fetch(`${url}/constructor`)).status).toBe(404)
  const response = await fetch(`${url}/api/messages`, { method: 'DELETE' })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, POST')
})

test('requests are logged, health checks are not', async () => {
  await fetch(`${url}/healthz`)
  await fetch(`${url}/api/whoami`)
  await expect.poll(() => lines).toEqual([expect.stringMatching(/^GET \/api\/whoami 200 \d+ ms$/)])
})

test('outside a swarm, where templates are not filled in, the host has to do as a name', () => {
  const given = readIdentity({ INSTANCE: 'nodeapp.1', NODE: 'node1' }, '1')
  expect(given).toEqual({ instance: 'nodeapp.1', node: 'node1', version: '1' })
  const unfilled = readIdentity({ INSTANCE: 'nodeapp.{{.Task.Slot}}' }, '1')
  expect(unfilled.instance).not.toContain('{{')
  expect(unfilled.node).toBe(unfilled.instance)
})
