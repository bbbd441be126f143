/** An address of a proxy, as its variable has it: `http://me:secret@proxy:3128`, or `proxy:3128`. */
export function proxyUrl(value: string): URL | undefined {
  const text = value.includes('://') ? value : `http://${value}`
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Variables that name a proxy on this machine's own loopback, where neither nodes nor builds can reach it. */
export function loopbackProxies(proxy: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(proxy).flatMap(([name, value]) => {
    if (/^no_proxy$/i.test(name)) return []
    const host = proxyUrl(value)?.hostname ?? ''
    return host === 'localhost' || host === '[::1]' || host.startsWith('127.') ? [name] : []
  })
}

/** The variables as nodes use them: a proxy on the loopback by an address of this host that nodes reach. */
export function proxyForNodes(
  proxy: Readonly<Record<string, string>>,
  addressOf: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const changed = loopbackProxies(proxy).flatMap((name) => {
    const url = proxyUrl(proxy[name] ?? '')
    const address = addressOf.get(name)
    if (url === undefined || address === undefined) return []
    url.hostname = address
    return [[name, url.href.replace(/\/$/, '')] as const]
  })
  return { ...proxy, ...Object.fromEntries(changed) }
}
