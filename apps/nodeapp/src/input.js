import { Buffer } from 'node:buffer'
import { URLSearchParams } from 'node:url'
import { TextDecoder } from 'node:util'
import { BadInput } from './errors.js'

/** Longest text of an entry, in UTF-16 units, and largest body of a request, in bytes. */
export const MAX_TEXT = 10_000
export const MAX_BODY = 256 * 1024
/** Most entries one request may ask for. */
export const MAX_LIMIT = 1_000_000
const DEFAULT_LIMIT = 20

/**
 * The text of an entry from a JSON body.
 * @param {string} body
 */
export function textOfJson(body) {
  let value
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw new BadInput(`the body is not JSON: ${error.message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadInput('the body must be an object like {"text": "hello"}')
  }
  if (!('text' in value)) throw new BadInput('"text" is missing')
  return checkText(value.text)
}

/**
 * The text of an entry from a form.
 * @param {string} body
 */
export function textOfForm(body) {
  return checkText(new URLSearchParams(body).get('text') ?? '')
}

/** @param {unknown} text */
function checkText(text) {
  if (typeof text !== 'string') throw new BadInput('"text" must be a string')
  if (text.trim() === '') throw new BadInput('"text" must not be empty')
  if (text.length > MAX_TEXT) {
    throw new BadInput(`"text" has ${text.length} characters; at most ${MAX_TEXT} are allowed`)
  }
  return text.toWellFormed()
}

/**
 * How many entries a request wants: the whole number in `?limit=`, from 1 to a million.
 * @param {URLSearchParams} query
 */
export function limitOf(query) {
  const text = query.get('limit')
  if (text === null) return DEFAULT_LIMIT
  const limit = Number(text)
  if (!/^\d+$/.test(text) || limit < 1 || limit > MAX_LIMIT) {
    throw new BadInput(`"limit" must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  return limit
}

/**
 * The body of a request as text. Reading stops at the first byte too many.
 * @param {import('node:stream').Readable} request
 */
export async function readBody(request) {
  const chunks = []
  let size = 0
  // Stopping must not break the connection, or the client would never read why.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > MAX_BODY) throw new BadInput(`the body is larger than ${MAX_BODY} bytes`, 413)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new BadInput('the body is not UTF-8')
  }
}
