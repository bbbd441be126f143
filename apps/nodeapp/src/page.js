import { createHash } from 'node:crypto'
import { MAX_TEXT } from './input.js'

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#dfe3ea, #2f3541); --soft: light-dark(#5c6675, #98a2b3) }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f9, #14171c); color: light-dark(#1b2330, #e6e9ef) }
header { padding: 2.2rem 1rem 2rem; background: hsl(var(--hue) 55% 38%); color: #fff; text-align: center }
header p { margin: .3rem 0 0; opacity: .9 }
header h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em }
header b { font-weight: 650 }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
form { display: flex; gap: .6rem; margin-bottom: 1.6rem }
input { flex: 1; min-width: 0; padding: .6rem .8rem; font: inherit; border: 1px solid var(--line); border-radius: .5rem; background: light-dark(#fff, #1c2027); color: inherit }
button { padding: .6rem 1.2rem; font: inherit; font-weight: 600; border: 0; border-radius: .5rem; background: hsl(var(--hue) 55% 38%); color: #fff; cursor: pointer }
.notice { padding: .7rem 1rem; border-radius: .5rem; background: light-dark(#fdecea, #43201d); color: light-dark(#8a1f11, #ffb4a8) }
h2 { font-size: 1rem; margin: 0 0 .4rem; color: var(--soft); font-weight: 600 }
ol { list-style: none; margin: 0; padding: 0 }
li { padding: .8rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; white-space: pre-wrap }
li small { display: block; color: var(--soft); white-space: normal }
.empty { color: var(--soft) }
`

/**
 * The whole page with the colour of the instance that answered.
 * @param {{
 *   identity: import('./identity.js').Identity,
 *   entries?: { total: number, messages: import('./guest-book.js').Message[] },
 *   notice?: string,
 *   text?: string,
 * }} content `text`: what the visitor had typed, kept in the form
 */
export function renderPage({ identity, entries, notice, text = '' }) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest book</title>
<style>${STYLE}</style>
<style>:root { --hue: ${String(hueOf(identity.instance))} }</style>
<header>
  <h1>Guest book</h1>
  <p>answered by <b>${escape(identity.instance)}</b> on <b>${escape(identity.node)}</b>, version ${escape(identity.version)}</p>
</header>
<main>
${notice === undefined ? '' : `  <p class="notice" role="alert">${escape(notice)}</p>\n`}\
  <form method="post" action="/messages">
    <input name="text" required maxlength="${String(MAX_TEXT)}" placeholder="Leave a message" aria-label="Message" value="${escape(text)}" autofocus>
    <button>Sign</button>
  </form>
${entries === undefined ? '' : renderEntries(entries)}\
</main>
</html>
`
}

function renderEntries({ total, messages }) {
  if (total === 0) return '  <p class="empty">Nobody has signed yet.</p>\n'
  const items = messages.map(
    ({ text, at, instance, node }) =>
      `    <li>${escape(text)}<small>${escape(at.replace('T', ' ').slice(0, 19))} UTC, through ${escape(instance)} on ${escape(node)}</small></li>`,
  )
  const heading = total > messages.length ? `The newest ${messages.length} of ${total} messages` : `${total} messages`
  return `  <h2>${total === 1 ? '1 message' : heading}</h2>\n  <ol>\n${items.join('\n')}\n  </ol>\n`
}

/** Foreign text as HTML, in elements and in quoted attributes. */
export function escape(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (character) => entities[character])
}

/** A colour of its own for each instance, so that one sees at a glance that another one answered. */
function hueOf(instance) {
  return createHash('sha256').update(instance).digest().readUInt16BE(0) % 360
}

/** Nothing but the page itself: no script, no address but this one. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}
