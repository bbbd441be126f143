import type Docker from 'dockerode'
import { FRONT_ADDRESS, nthAddress } from '../../model/addresses.ts'
import { FRONT_PORT } from '../../model/edge-route.ts'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import type { Front, FrontSpec } from '../../model/provider.ts'
import { unlessStatus } from './engine.ts'
import { packFile, unpackFile } from './file-archive.ts'
import { frontPorts, renderFront } from './front-config.ts'
import { isOnLink } from './host-networks.ts'
import { labLabels, LOOPBACK, nextFreePort } from './machine.ts'
import { findNetwork } from './network.ts'
import { ensureEdgeImage } from './node-image.ts'
import { removeContainer } from './removal.ts'

const CONFIG_DIRECTORY = '/usr/local/etc/haproxy'
const CONFIG_FILE = 'haproxy.cfg'
/** Ports tried one after another when somebody else takes the chosen one in the meantime. */
const PORT_ATTEMPTS = 20
const PORT_TAKEN = /port is already allocated|address already in use|ports are not available/i

/** No node can be called this. */
function frontName(lab: LabIdentity): string {
  return `${lab.id}-edge`
}

/**
 * The front as a container beside the nodes: the host's port is its own, and so survives every node. It keeps no state but
 * its configuration, so it is made anew whenever something of it that is fixed has to change.
 */
export function engineFront(engine: () => Promise<Docker>, lab: LabIdentity): Front {
  const container = async () => (await engine()).getContainer(frontName(lab))
  return {
    lead: async (wanted, signal) => lead(await engine(), lab, wanted, signal),
    endpoint: async (port) => {
      const front = await container()
      const found = await unlessStatus(front.inspect(), 404)
      if (found?.State.Running !== true) return undefined
      if (port === FRONT_PORT) {
        const published = found.NetworkSettings.Ports[`${String(port)}/tcp`]?.[0]?.HostPort
        return published === undefined ? undefined : { host: LOOPBACK, port: Number(published) }
      }
      const address = found.NetworkSettings.Networks[lab.id]?.IPAddress ?? ''
      if (address === '' || !isOnLink(address)) return undefined
      return frontPorts((await readConfig(front)) ?? '').includes(port) ? { host: address, port } : undefined
    },
    stop: async () => {
      await unlessStatus((await container()).stop(), 304, 404)
    },
  }
}

async function lead(engine: Docker, lab: LabIdentity, wanted: FrontSpec, signal: AbortSignal): Promise<boolean> {
  const front = engine.getContainer(frontName(lab))
  const [image, found] = await Promise.all([
    ensureEdgeImage(engine, () => undefined, signal),
    unlessStatus(front.inspect(), 404),
  ])
  const before = found === undefined ? undefined : await readConfig(front)
  const config = renderFront(wanted.ports ?? frontPorts(before ?? ''), wanted.edges)
  const asWished = found?.Config.Labels[LABELS.front] === String(wanted.hostPort) && found.Config.Image === image
  if (!asWished) {
    await create(engine, lab, wanted.hostPort, { image, config }, signal)
    return true
  }
  if (before !== config) await writeConfig(front, config)
  if (!found.State.Running) {
    try {
      await front.start()
    } catch {
      // Its port is another's now, or its network was made anew.
      await create(engine, lab, wanted.hostPort, { image, config }, signal)
    }
    return true
  }
  // The master starts a new worker, which takes over the listening sockets; the old one ends what it has open.
  if (before !== config) await front.kill({ signal: 'SIGUSR2' })
  return before !== config
}

async function create(
  engine: Docker,
  lab: LabIdentity,
  wished: number,
  { image, config }: { readonly image: string; readonly config: string },
  signal: AbortSignal,
): Promise<void> {
  const network = await findNetwork(engine, lab)
  if (network === undefined)
    throw new LabError('NO_NETWORK', 'the lab has no network', { where: lab.id, hint: 'lab up' })
  const taken = new Set<number>()
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    await removeContainer(engine, frontName(lab))
    const hostPort = await nextFreePort(wished, taken)
    const front = await engine.createContainer({
      name: frontName(lab),
      Image: image,
      Hostname: 'edge',
      Labels: { ...labLabels(lab), [LABELS.front]: String(wished) },
      // At once: what is open here leads to machines that are going as well.
      StopSignal: 'SIGTERM',
      ExposedPorts: { [`${String(FRONT_PORT)}/tcp`]: {} },
      HostConfig: {
        RestartPolicy: { Name: 'unless-stopped' },
        NetworkMode: lab.id,
        PortBindings: { [`${String(FRONT_PORT)}/tcp`]: [{ HostIp: LOOPBACK, HostPort: String(hostPort) }] },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
      },
      NetworkingConfig: {
        EndpointsConfig: { [lab.id]: { IPAMConfig: { IPv4Address: nthAddress(network.subnet, FRONT_ADDRESS) } } },
      },
    })
    await writeConfig(front, config)
    try {
      await front.start()
      return
    } catch (error) {
      if (!PORT_TAKEN.test(engineMessage(error)) || attempt === PORT_ATTEMPTS) throw failed(lab, error)
      taken.add(hostPort)
    }
  }
}

async function writeConfig(front: Docker.Container, config: string): Promise<void> {
  await front.putArchive(packFile(CONFIG_FILE, config), { path: CONFIG_DIRECTORY })
}

/** The configuration in a container, running or not; undefined where it has none. */
async function readConfig(front: Docker.Container): Promise<string | undefined> {
  const archive = await unlessStatus(front.getArchive({ path: `${CONFIG_DIRECTORY}/${CONFIG_FILE}` }), 404)
  return archive === undefined ? undefined : unpackFile(archive)
}

function failed(lab: LabIdentity, cause: unknown): LabError {
  return new LabError('START_FAILED', `the engine does not open the lab's way in: ${engineMessage(cause)}`, {
    where: frontName(lab),
    hint: 'lab doctor',
    cause,
  })
}
