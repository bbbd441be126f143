import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { UsageError } from '../model/errors.ts'
import { loopbackProxies, proxyForNodes, proxyUrl } from '../model/proxy.ts'
import type { HostEnvironment } from '../model/site.ts'
import { withoutCredentials } from '../model/url-credentials.ts'

/** A proxy of this host answers within this time, or not at all. */
const ANSWER_MS = 1000

/** The host's environment as nodes use it. `gateway`: this host's address on the nodes' network, where it has one. */
export async function environmentForNodes(host: HostEnvironment, gateway?: string): Promise<HostEnvironment> {
  const addresses = await addressesOfLoopback(host.proxy, gateway)
  return addresses.size === 0 ? host : { ...host, proxy: proxyForNodes(host.proxy, addresses) }
}

/**
 * Throws `UsageError` `PROXY_ON_LOOPBACK` for a proxy that listens on this machine's loopback only: what is downloaded on a
 * node or in a build would fail much later, and nobody would know why.
 */
export async function refuseLoopbackProxy({ proxy }: HostEnvironment): Promise<void> {
  const addresses = await addressesOfLoopback(proxy)
  const [name] = loopbackProxies(proxy).filter((each) => !addresses.has(each))
  if (name === undefined) return
  throw new UsageError(
    `${name} is ${withoutCredentials(proxy[name] ?? '')}, and it answers on this machine's loopback only: nodes and builds cannot reach it`,
    {
      where: name,
      hint: `have it listen on the machine's other addresses too; or leave it out, where nothing is to be downloaded: env -u ${name} lab ...`,
    },
    'PROXY_ON_LOOPBACK',
  )
}

/** For each proxy on the loopback an address of this host that it answers on, too, where there is one. */
async function addressesOfLoopback(
  proxy: Readonly<Record<string, string>>,
  gateway?: string,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const names = loopbackProxies(proxy)
  if (names.length === 0) return found
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const addresses = own.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
  for (const name of names) {
    const port = Number(proxyUrl(proxy[name] ?? '')?.port)
    for (const address of gateway === undefined ? addresses : [gateway, ...addresses]) {
      if (!(await answersAt(address, port === 0 ? 80 : port))) continue
      found.set(name, address)
      break
    }
  }
  return found
}

function answersAt(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ANSWER_MS })
    const end = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => {
      end(true)
    })
    socket.once('timeout', () => {
      end(false)
    })
    socket.once('error', () => {
      end(false)
    })
  })
}
