import type Docker from 'dockerode'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import { LABELS } from '../model/names.ts'
import { furtherNetworks } from '../model/networks.ts'
import type { Machine, Provider } from '../model/provider.ts'
import { engineAddress, openEngine, unlessStatus } from './docker/engine.ts'
import { accessArchive, containerName, LOOPBACK } from './docker/machine.ts'
import { engineFront } from './docker/front.ts'
import { createNetworks, findNetwork } from './docker/network.ts'
import { liveNetworks, networksIn } from './docker/further-networks.ts'
import { cleanUpLab, destroyNode } from './docker/removal.ts'
import { explainSilence } from './docker/silence.ts'
import { createNode, startNode } from './docker/start.ts'
import { runInNode } from './docker/exec.ts'
import { isOnLink } from './docker/host-networks.ts'
import { applyLimits, effectiveLimits, readLimits, usedMemory } from './docker/limits.ts'
import { answers, ensureHostEngine, noEngine } from './docker/host-engine.ts'
import { hostGarbage } from './docker/host-garbage.ts'
import { checkEngine, raiseLimits } from './docker/host-limits.ts'
import { engineImageCache } from './docker/image-cache.ts'
import { listLabs } from './docker/labs.ts'
import { pauseContainer, resumeContainer } from './docker/pause.ts'
import { machineState } from './docker/states.ts'
import { ensureNodeImage } from './docker/node-image.ts'
import { refuseWhileRestoring } from './docker/snapshot/restore.ts'
import { collectSnapshots, engineSnapshots } from './docker/snapshot/store.ts'

/** Nodes as containers of this host's Docker engine, each running systemd, sshd and an engine of its own. */
export function createProvider({ lab, spec }: { readonly lab: LabIdentity; readonly spec: LabSpec }): Provider {
  let connected: Promise<Docker> | undefined
  let image: Promise<string> | undefined

  const connect = async () => {
    const address = await engineAddress()
    const engine = openEngine(address)
    if (!(await answers(engine, address))) throw noEngine(address)
    return engine
  }
  const engine = () => {
    connected ??= connect()
    connected.catch(() => (connected = undefined))
    return connected
  }
  const container = async (name: string) => (await engine()).getContainer(containerName(lab, name))
  const nodeImage = async () => {
    const client = await engine()
    return (image ??= ensureNodeImage(client, () => undefined, new AbortController().signal))
  }

  return {
    name: 'docker',
    front: engineFront(engine, lab),
    imageCache: engineImageCache(engine, lab),
    garbage: async (use) => hostGarbage(await engine(), lab, use),
    prepare: async (progress, signal) => {
      await ensureHostEngine(progress, signal)
      const client = await engine()
      await checkEngine(client)
      await raiseLimits(client, lab, spec.nodes.length, progress)
      image = ensureNodeImage(client, progress, signal)
      await image
    },
    network: async (create) => {
      const client = await engine()
      const present = await findNetwork(client, lab)
      const missing = furtherNetworks(spec).some(({ name }) => present?.further?.[name] === undefined)
      if (!create || (present !== undefined && !missing)) return present
      await createNetworks(client, lab, spec)
      return findNetwork(client, lab)
    },
    list: async () => listMachines(await engine(), lab),
    labs: async () => listLabs(await engine()),
    create: async (request, signal) => {
      await refuseWhileRestoring(await engine(), lab)
      return createNode(await engine(), lab, request, await nodeImage(), signal)
    },
    start: async (name, signal) => startNode(await engine(), lab, name, signal),
    stop: async (name) => {
      // 304: it is stopped already. The deadline is the container's own.
      await unlessStatus((await container(name)).stop(), 304, 404)
    },
    destroy: async (name) => destroyNode(await engine(), lab, name),
    restoreAccess: async (request) => {
      const script = 'tar -x -f - -C / && chmod 0700 /root/.ssh && systemctl reload-or-restart ssh'
      await runInNode(await container(request.node.name), ['sh', '-c', script], await accessArchive(request))
    },
    endpoint: async (name, nodePort) => {
      const found = await unlessStatus((await container(name)).inspect(), 404)
      const port = found?.NetworkSettings.Ports[`${String(nodePort)}/tcp`]?.[0]?.HostPort
      if (port !== undefined && port !== '') return { host: LOOPBACK, port: Number(port) }
      const address = found?.Config.Labels[LABELS.address]
      return address !== undefined && isOnLink(address) ? { host: address, port: nodePort } : undefined
    },
    cleanUp: async (options) => {
      await collectSnapshots(await engine(), lab, options.snapshots)
      await cleanUpLab(await engine(), lab, options)
    },
    silence: async (name) => explainSilence(await container(name), name),
    kill: async (name) => {
      await unlessStatus((await container(name)).kill(), 404, 409)
    },
    pause: async (name) => {
      await pauseContainer(await container(name), name)
    },
    resume: async (name) => {
      await resumeContainer(await engine(), containerName(lab, name), name)
    },
    limits: {
      effective: async (limits) => effectiveLimits(await engine(), limits),
      read: async (name) => unlessStatus(readLimits(await engine(), await container(name)), 404),
      apply: async (name, limits) => applyLimits(await engine(), await container(name), name, limits),
      // 409: it does not run.
      used: async (name) => (await unlessStatus(usedMemory(await container(name)), 404, 409)) ?? 0,
    },
    networks: liveNetworks(engine, lab),
    snapshots: engineSnapshots(engine, lab, spec),
  }
}

async function listMachines(engine: Docker, lab: LabIdentity): Promise<readonly Machine[]> {
  const filters = { label: [`${LABELS.lab}=${lab.id}`, LABELS.node] }
  const containers = await engine.listContainers({ all: true, filters })
  return containers
    .flatMap(({ Names, Labels, State, Ports, NetworkSettings }): readonly Machine[] => {
      const name = Labels[LABELS.node]
      // Labels pass from an image to containers: one that a snapshot is copied with has its node's.
      if (name === undefined || !Names.includes(`/${containerName(lab, name)}`)) return []
      const state = machineState(State)
      const port = Ports.find(({ PrivatePort, IP }) => PrivatePort === 22 && IP === LOOPBACK)?.PublicPort
      const ssh = port === undefined ? undefined : { host: LOOPBACK, port, user: 'root' }
      const { [LABELS.address]: address = '', [LABELS.specDigest]: specDigest = '' } = Labels
      const { networks } = networksIn(lab, NetworkSettings.Networks)
      const paused = State === 'paused'
      return [{ name, state, address, ...(networks && { networks }), ssh, specDigest, ...(paused && { paused }) }]
    })
    .filter(({ state }) => state !== 'missing')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
