import { performance } from 'node:perf_hooks'
import { pipeline } from 'node:stream/promises'
import { BadInput, BookUnavailable } from './errors.js'
import { limitOf, readBody, textOfForm, textOfJson } from './input.js'
import { PAGE_HEADERS, renderPage } from './page.js'

/** How many entries the web page shows. */
const SHOWN = 20

/**
 * What the app answers, as one request handler.
 * @param {{
 *   book: Pick<import('./guest-book.js').GuestBook, 'add' | 'read'>,
 *   identity: import('./identity.js').Identity,
 *   log: (line: string) => void,
 * }} app
 */
export function createHandler({ book, identity, log }) {
  const { instance, node } = identity
  const write = (text) => book.add({ text, instance, node })

  /** Path -> method -> what to do. HEAD goes with GET. */
  const routes = {
    '/': { GET: (_, response) => showPage(response, 200) },
    '/messages': { POST: postForm },
    '/api/messages': { GET: listMessages, POST: postMessage },
    '/api/whoami': { GET: (_, response) => sendJson(response, 200, identity) },
    // Whether this process serves, and no more: an instance whose database is away is not sick.
    '/healthz': { GET: (_, response) => sendJson(response, 200, { ok: true }) },
  }

  return async (request, response) => {
    const started = performance.now()
    const path = request.url.split('?', 1)[0]
    response.setHeader('x-instance', instance)
    if (path !== '/healthz') {
      response.on('close', () => {
        const ended = response.writableFinished ? String(response.statusCode) : 'aborted'
        log(`${request.method} ${request.url} ${ended} ${Math.round(performance.now() - started)} ms`)
      })
    }
    try {
      const methods = Object.hasOwn(routes, path) ? routes[path] : undefined
      if (methods === undefined) return sendJson(response, 404, { error: `there is nothing at ${path}` })
      const answer = methods[request.method === 'HEAD' ? 'GET' : request.method]
      if (answer === undefined) {
        response.setHeader('allow', Object.keys(methods).join(', '))
        return sendJson(response, 405, { error: `${path} does not know ${request.method}` })
      }
      await answer(request, response)
    } catch (error) {
      fail(response, error)
    }
  }

  async function listMessages(request, response) {
    const limit = limitOf(new URL(request.url, 'http://app').searchParams)
    const { total, pages } = await book.read(limit)
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    if (request.method === 'HEAD') return response.end()
    // As fast as the client takes it: an answer of a million entries is never in memory.
    await pipeline(jsonOf(total, pages), response)
  }

  async function postMessage(request, response) {
    sendJson(response, 201, await write(textOfJson(await readBody(request))))
  }

  /** The page's form: back to the page, so that reloading it does not write again. */
  async function postForm(request, response) {
    let text
    try {
      text = textOfForm(await readBody(request))
      await write(text)
    } catch (error) {
      if (error instanceof BadInput) return showPage(response, error.status, error.message, text)
      if (error instanceof BookUnavailable) return showPage(response, 503, unavailable(error), text)
      throw error
    }
    response.writeHead(303, { location: '/' }).end()
  }

  /** The page works without its book: it says so, and shows who answered all the same. */
  async function showPage(response, status, notice, text) {
    let entries
    try {
      const { total, pages } = await book.read(SHOWN)
      entries = { total, messages: (await collect(pages)).flat() }
    } catch (error) {
      if (!(error instanceof BookUnavailable)) throw error
      status = 503
      notice ??= unavailable(error)
    }
    response.writeHead(status, PAGE_HEADERS).end(renderPage({ identity, entries, notice, text }))
  }

  function fail(response, error) {
    if (response.headersSent) {
      // An answer cut short must not look whole. A client that left before the end is no failure.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') log(`an answer broke off: ${error.message}`)
      return response.destroy()
    }
    if (response.destroyed) return
    if (error instanceof BadInput) {
      // What is left of a body that is too large is not read: the connection ends with the answer.
      if (error.status === 413) response.setHeader('connection', 'close')
      return sendJson(response, error.status, { error: error.message })
    }
    if (error instanceof BookUnavailable) {
      response.setHeader('retry-after', '1')
      return sendJson(response, 503, { error: unavailable(error) })
    }
    log(error.stack)
    sendJson(response, 500, { error: 'something is wrong in nodeapp; its log says what' })
  }
}

function unavailable(error) {
  return `the guest book is away for a moment; try again (${error.message})`
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(value)}\n`)
}

async function* jsonOf(total, pages) {
  yield `{"total":${total},"messages":[`
  let separator = ''
  for await (const messages of pages) {
    if (messages.length === 0) continue
    yield separator + messages.map((message) => JSON.stringify(message)).join(',')
    separator = ','
  }
  yield ']}\n'
}

async function collect(pages) {
  const all = []
  for await (const page of pages) all.push(page)
  return all
}
