/**
 * Whether a URL tells a password or a token. Of http and https also a name alone is one: that is how tokens are given;
 * elsewhere, as in ssh://git@host, it is just a name.
 */
export function hasCredentials(url: string): boolean {
  return /^https?:\/\/[^/?#]*@/i.test(url) || /^[a-z+]+:\/\/[^/?#@]*:[^/?#]*@/i.test(url)
}

/** A URL for a message, without what is in front of its host. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/?#]*@/i, '$1***@')
}
