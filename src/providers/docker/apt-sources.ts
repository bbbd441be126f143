/**
 * Sources for `release`, as one-line apt sources, from the sources of a Debian host whose release is `codename`: its
 * own mirrors, with the release exchanged. Only plain HTTP: a root file system under construction has no certificate
 * authorities yet, and apt checks signatures itself. Empty when the host's main archive is not among them.
 */
export function aptMirrors(sources: string, codename: string, release: string): readonly string[] {
  const suites = new Set([codename, `${codename}-updates`, `${codename}-security`])
  const found = new Map<string, string>()
  for (const { uri, suite } of [...oneLineSources(sources), ...deb822Sources(sources)]) {
    if (!uri.startsWith('http://') || !suites.has(suite) || found.has(suite)) continue
    found.set(suite, `deb ${uri} ${release}${suite.slice(codename.length)} main`)
  }
  return found.has(codename) ? [...found.values()] : []
}

interface Source {
  readonly uri: string
  readonly suite: string
}

/** `deb [options] uri suite component...` lines that offer `main`. */
function oneLineSources(text: string): readonly Source[] {
  return [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/gm)]
    .filter((match) => (match[3] ?? '').split(/\s+/).includes('main'))
    .map((match) => ({ uri: match[1] ?? '', suite: match[2] ?? '' }))
}

/** Paragraphs of `Types:`, `URIs:`, `Suites:`, `Components:` (sources.list(5), deb822) that offer `main`. */
function deb822Sources(text: string): readonly Source[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string) =>
      (new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t]+.*)*)`, 'im').exec(paragraph)?.[1] ?? '')
        .split(/\s+/)
        .filter(Boolean)
    if (field('Enabled').includes('no') || !field('Types').includes('deb') || !field('Components').includes('main')) {
      return []
    }
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ uri, suite })))
  })
}
