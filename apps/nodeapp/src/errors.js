/** What a client sent cannot be used; the message says why. */
export class BadInput extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status = 400) {
    super(message)
    this.status = status
  }
}

/** The database does not answer, or refused: a matter of waiting, not of the request. */
export class BookUnavailable extends Error {}
