import { NODE_PATHS, ZONE, type Site, type Step } from '../src/index.ts'
import { hasCredentials } from '../src/model/url-credentials.ts'
import { block } from '../src/steps/block.ts'
import { command } from '../src/steps/command.ts'
import { absentFile, file } from '../src/steps/file.ts'

/** The host's proxy, for apt, for the engine and for commands; its address may hold a password. */
export function proxyFiles(site: Site): readonly Step[] {
  const { proxy } = site.host
  const aptFile = '/etc/apt/apt.conf.d/95lab-proxy'
  const mark = { path: '/etc/environment', name: 'proxies of the host' }
  // What is run on a node by hand or by a playbook; hosts that exist have settings of their own.
  const isOurs = site.spec.provider === 'docker'
  if (Object.keys(proxy).length === 0)
    return [absentFile(aptFile), engineProxy(site), ...(isOurs ? [block({ ...mark, absent: true })] : [])]
  const http = proxy['HTTP_PROXY'] ?? proxy['http_proxy']
  const https = proxy['HTTPS_PROXY'] ?? proxy['https_proxy']
  const line = (scheme: string, url: string | undefined) =>
    url === undefined ? '' : `Acquire::${scheme}::Proxy "${url}";\n`
  return [
    file({ path: aptFile, content: line('http', http) + line('https', https), secret: true }),
    engineProxy(site),
    ...(isOurs && Object.values(proxy).some(hasCredentials) ? [forRoot(mark.path)] : []),
    ...(isOurs ? [block({ ...mark, content: variables(site), secret: true })] : []),
  ]
}

/** Whoever begins a session on the node reads that file as root. */
function forRoot(path: string): Step {
  return command({
    title: `keep ${path} from others than root`,
    run: ['chmod', '0600', path],
    unless: `[ "$(stat -c %a ${path})" = 600 ]`,
  })
}

/** What the engine is started with; one that runs already has it from its next start: apps are not stopped for it. */
function engineProxy(site: Site): Step {
  const path = `${NODE_PATHS.etc}/proxy.env`
  if (Object.keys(site.host.proxy).length === 0) return absentFile(path)
  return file({ path, content: variables(site), secret: true })
}

/** The host's variables, without a proxy for what is the lab's own. */
function variables({ host: { proxy }, network }: Site): string {
  const networks = [network.subnet, ...Object.values(network.further ?? {}), network.overlayPool, network.bridgePool]
  // The engines of a swarm call each other's authority by a name of their own, and would ask the proxy for it.
  const own = ['localhost', '127.0.0.1', `.${ZONE}`, 'swarm-ca', 'swarm-manager', ...networks]
  const except = [proxy['NO_PROXY'] ?? proxy['no_proxy'] ?? '', ...own].filter((entry) => entry !== '').join(',')
  // Some programs know the one spelling only, some the other.
  const both: Record<string, string> = {}
  for (const [name, value] of Object.entries(proxy)) {
    both[name.toLowerCase()] = value
    both[name.toUpperCase()] = value
  }
  const all = { ...both, ...proxy, NO_PROXY: except, no_proxy: except }
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
