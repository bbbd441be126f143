import { MongoBulkWriteError, MongoClient, MongoError } from 'mongodb'
import { BookUnavailable } from './errors.js'

/**
 * Entries are numbered 1, 2, 3, ... without gaps, and each collection holds 250 of them: a page of the book. So the last
 * number is the total, and the newest entries are on the last page: nothing is ever counted, and no more than a page
 * sorted, however thick the book gets. That matters to databases that do both in memory (FerretDB on SQLite does).
 */
const PAGE = 250
/** A number is taken when another instance was faster: then the next one is tried; after so many, asked for. */
const MISSES = 5
/** More writers than this at once are sent away. */
const MAX_WAITING = 2000

/**
 * @typedef {{ id: string, text: string, at: string, instance: string, node: string }} Message
 * @typedef {{ _id: number, text: string, at: Date, instance: string, node: string }} Entry
 * @typedef {{ text: string, instance: string, node: string }} NewMessage
 */

/** The guest book in Mongo. Any number of instances may write to it at once. */
export class GuestBook {
  #client
  #database
  /** Number of the last entry, as far as this instance knows; undefined: ask. */
  #last
  /** The last page this instance has seen. */
  #page
  /** @type {{ message: NewMessage, resolve: (message: Message) => void, reject: (error: unknown) => void }[]} */
  #waiting = []
  #writing = false

  /** @param {string} url */
  constructor(url) {
    // Nothing is asked of the network before the first use. A database that is away for a moment is waited for; one
    // that was moved is found again by its name within a second; one that died without a word (its node was cut off)
    // is noticed by the heartbeat, which then ends what waits for it.
    this.#client = new MongoClient(url, {
      appName: 'nodeapp',
      directConnection: true,
      serverSelectionTimeoutMS: 2000,
      connectTimeoutMS: 1000,
      heartbeatFrequencyMS: 1000,
      minHeartbeatFrequencyMS: 200,
      socketTimeoutMS: 10_000,
      waitQueueTimeoutMS: 2000,
      maxPoolSize: 10,
      // An acknowledged entry is in the database's journal on the disk.
      writeConcern: { w: 1, journal: true },
    })
    this.#database = this.#client.db('guestbook')
    // What comes back after a break may be another book.
    this.#client.on('connectionPoolCleared', () => {
      this.#last = undefined
      this.#page = undefined
    })
  }

  /**
   * Writes an entry; once this resolves, it is kept. Those that come while others are being written go together.
   * @param {NewMessage} message
   * @returns {Promise<Message>}
   */
  add(message) {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new BookUnavailable('too many entries are being written at once'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject })
      if (!this.#writing) void this.#writeAll()
    })
  }

  /**
   * The newest entries, newest first, a page of the book at a time, and how many there are in all.
   * @param {number} limit
   * @returns {Promise<{ total: number, pages: AsyncIterable<Message[]> }>}
   */
  async read(limit) {
    const { page, entries, last } = await unavailableOnFailure(() => this.#lastPage())
    return { total: last, pages: this.#pagesFrom(page, entries, limit) }
  }

  async close() {
    await this.#client.close()
  }

  /** @returns {AsyncGenerator<Message[]>} */
  async *#pagesFrom(page, entries, limit) {
    for (let left = limit; ;) {
      yield entries.slice(0, left).map(toMessage)
      left -= entries.length
      if (left <= 0 || page === 0) return
      page -= 1
      entries = await unavailableOnFailure(() => this.#entriesOf(page))
    }
  }

  async #writeAll() {
    this.#writing = true
    let misses = 0
    while (this.#waiting.length > 0) {
      try {
        this.#last ??= (await this.#lastPage()).last
        const room = PAGE - (this.#last % PAGE)
        const batch = this.#waiting.slice(0, room)
        const entries = batch.map(({ message }, index) => ({ _id: this.#last + 1 + index, at: new Date(), ...message }))
        const written = await this.#insert(Math.floor(this.#last / PAGE), entries)
        misses = written === 0 ? misses + 1 : 0
        if (misses > MISSES) this.#last = undefined
        else this.#last += written === batch.length ? written : written + 1
        this.#waiting.splice(0, written).forEach(({ resolve }, index) => resolve(toMessage(entries[index])))
      } catch (error) {
        // Whether the batch was written is unknown; nobody is told it was.
        this.#last = undefined
        const reason = explain(error)
        for (const { reject } of this.#waiting.splice(0)) reject(reason)
      }
    }
    this.#writing = false
  }

  /**
   * Inserts in order and stops at a number that is taken, so that there never is a gap.
   * @returns {Promise<number>} how many were inserted
   */
  async #insert(page, entries) {
    try {
      await this.#collection(page).insertMany(entries, { ordered: true })
      return entries.length
    } catch (error) {
      if (error instanceof MongoBulkWriteError && error.code === 11000) return error.insertedCount
      throw error
    }
  }

  /** The page that the next entry goes to, its entries, and the number of the last entry of the book. */
  async #lastPage() {
    // Nothing when connected. By itself the driver connects once only: an instance that was started while the database
    // was away would find it closed for ever.
    await this.#client.connect()
    let page = this.#page ?? (await this.#highestPage())
    let entries = await this.#entriesOf(page)
    if (entries.length === PAGE || (entries.length === 0 && page > 0)) {
      // Turned since, perhaps many times; or gone, with a book that was emptied.
      page = await this.#highestPage()
      entries = await this.#entriesOf(page)
    }
    while (entries.length === PAGE) {
      page += 1
      entries = await this.#entriesOf(page)
    }
    this.#page = page
    return { page, entries, last: entries[0]?._id ?? page * PAGE }
  }

  async #highestPage() {
    const collections = await this.#database.listCollections({}, { nameOnly: true }).toArray()
    return Math.max(0, ...collections.map(({ name }) => Number(/^page-(\d+)$/.exec(name)?.[1] ?? 0)))
  }

  /** @returns {Promise<Entry[]>} newest first */
  #entriesOf(page) {
    return this.#collection(page)
      .find()
      .sort({ _id: -1 })
      .batchSize(PAGE + 1)
      .toArray()
  }

  #collection(page) {
    return this.#database.collection(`page-${String(page).padStart(6, '0')}`)
  }
}

/**
 * @param {Entry} entry
 * @returns {Message}
 */
function toMessage({ _id, text, at, instance, node }) {
  return { id: String(_id), text, at: at.toISOString(), instance, node }
}

async function unavailableOnFailure(work) {
  try {
    return await work()
  } catch (error) {
    throw explain(error)
  }
}

function explain(error) {
  return error instanceof MongoError ? new BookUnavailable(error.message, { cause: error }) : error
}
