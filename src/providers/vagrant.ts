import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import type { LabNetwork, MachineRequest, MachineState, Provider } from '../model/provider.ts'
import { engineAddress, unlessStatus } from './docker/engine.ts'
import { noEngine } from './docker/host-engine.ts'
import { hostSubnets, isOnLink } from './docker/host-networks.ts'
import { cleanUpLab } from './docker/removal.ts'
import { giveAccess } from './vagrant/access.ts'
import { batched } from './vagrant/batch.ts'
import { checkVagrant, openVagrant } from './vagrant/command.ts'
import { cacheWhere, inspectContainer, vagrantEngine } from './vagrant/containers.ts'
import { checkAddress, findMachines, forgetSpec, labsOfMachines, noteSpec } from './vagrant/machines.ts'
import { notedMachines, readSettled, removeNotes } from './vagrant/notes.ts'
import { parseStatus } from './vagrant/states.ts'
import { vagrantfileOf } from './vagrant/vagrantfile.ts'

/** MTU between machines of one host: of host-only networks and of bridges alike. */
const LINK_MTU = 1500

/**
 * Nodes as machines of Vagrant, made from the Vagrantfile: virtual ones of VirtualBox or libvirt, or containers of its
 * docker provider. Which of them is Vagrant's choice (`VAGRANT_DEFAULT_PROVIDER`). Truth is what Vagrant notes in
 * `.vagrant` and what its providers say of it.
 */
export function createProvider({ lab, spec }: { readonly lab: LabIdentity; readonly spec: LabSpec }): Provider {
  const { directory } = lab
  const vagrant = openVagrant(directory)
  let connected: Promise<Docker | undefined> | undefined
  const anyEngine = async () => {
    const found = await (connected ??= vagrantEngine())
    // Making the first container may install one.
    if (found === undefined) connected = undefined
    return found
  }
  const engine = async () => (await anyEngine()) ?? Promise.reject(noEngine(await engineAddress()))
  const lookup = { directory, vagrant, engine }
  const notes = async (name: string) => (await notedMachines(directory)).find((noted) => noted.name === name)

  /** Machines that are not as wanted after Vagrant failed, each with why. */
  const unlike = async (names: readonly string[], wanted: MachineState, code: string, error: unknown) => {
    const found = await findMachines(lookup)
    const stateOf = (name: string) => found.find((machine) => machine.name === name)?.state ?? 'missing'
    const failed = names.filter((name) => stateOf(name) !== wanted)
    // All are as they should be, and yet something failed: nobody knows on which of them.
    const blamed = failed.length === 0 ? names : failed
    return new Map(blamed.map((name) => [name, failure(code, name, error)]))
  }
  const all = async (
    argv: readonly string[],
    names: readonly string[],
    wanted: MachineState,
    code: string,
    signal?: AbortSignal,
  ) => {
    try {
      await vagrant.run([...argv, ...names], { signal })
      return new Map<string, unknown>()
    } catch (error) {
      signal?.throwIfAborted()
      return unlike(names, wanted, code, error)
    }
  }
  const create = batched(async (requests: readonly MachineRequest[], signal) => {
    const names = requests.map(({ node }) => node.name)
    const failed = await all(['up', '--no-provision'], names, 'running', 'CREATE_FAILED', signal)
    const made = requests.filter(({ node }) => !failed.has(node.name))
    for (const request of made) await checkAddress(directory, request)
    const denied = made.length === 0 ? new Map<MachineRequest, unknown>() : await giveAccess(vagrant, made)
    for (const request of made) await noteSpec(lab, request)
    const refused = requests.filter(({ node }) => failed.has(node.name))
    return new Map([...refused.map((each) => [each, failed.get(each.node.name)] as const), ...denied])
  })
  const restore = batched(async (requests: readonly MachineRequest[]) => {
    const denied = await giveAccess(vagrant, requests)
    // One that lab did not make is told from now on by what lab.yml says of it.
    for (const request of requests) await noteSpec(lab, request)
    return denied
  })
  const start = batched((names: readonly string[], signal) =>
    all(['up', '--no-provision'], names, 'running', 'START_FAILED', signal),
  )
  const stop = batched((names: readonly string[]) => all(['halt'], names, 'stopped', 'STOP_FAILED'))
  const cut = batched((names: readonly string[]) => all(['halt', '--force'], names, 'stopped', 'STOP_FAILED'))
  const remove = batched((names: readonly string[]) =>
    all(['destroy', '--force', '--parallel'], names, 'missing', 'DESTROY_FAILED'),
  )

  return {
    name: 'vagrant',
    imageCache: cacheWhere(anyEngine, lab),
    snapshotHint:
      'lab halt, vagrant snapshot save NAME, lab up; and back: lab halt, vagrant snapshot restore --no-start NAME, lab up (not with containers)',
    prepare: async (progress) => {
      if (await vagrantfileOf(directory).provide()) progress("Vagrantfile: a link to lab's own")
      if ((await notedMachines(directory)).length === 0) await checkVagrant(vagrant)
    },
    network: async (createIt) => {
      if ((await notedMachines(directory)).length === 0) {
        if (!createIt) return undefined
        // Reading the Vagrantfile settles addresses for those that are not there yet.
        checkNames(spec, await vagrant.run(['status', '--machine-readable']), directory)
      }
      return networkOf(directory, anyEngine)
    },
    list: async () => findMachines(lookup),
    madeAs: async () => labsOfMachines(directory),
    // To Vagrant none of these is an error where it is so already.
    create: async (request, signal) => create(request, signal),
    start: async (name, signal) => {
      await start(name, signal)
      const noted = await notes(name)
      if (noted !== undefined) await forgetSpec(noted)
    },
    stop: async (name) => {
      if ((await notes(name)) !== undefined) await stop(name)
    },
    kill: async (name) => {
      const noted = await notes(name)
      // Vagrant knows no other end for a container than a shutdown.
      if (noted?.madeBy === 'docker') await unlessStatus((await engine()).getContainer(noted.id).kill(), 404, 409)
      else if (noted !== undefined) await cut(name)
    },
    destroy: async (name) => {
      if ((await notes(name)) !== undefined) await remove(name)
    },
    restoreAccess: async (request) => restore(request),
    endpoint: async (name, nodePort) => {
      const noted = await notes(name)
      if (noted?.madeBy === 'docker') {
        const published = (await inspectContainer(await engine(), noted)).published(nodePort)
        if (published !== undefined) return published
      }
      const address = noted === undefined ? undefined : (await readSettled(directory))?.addresses[name]
      return address !== undefined && isOnLink(address) ? { host: address, port: nodePort } : undefined
    },
    cleanUp: async (options) => {
      // What carries the lab's label in the engine, where there is one: of containers that Vagrant lost its notes on, say.
      const client = await anyEngine()
      if (client !== undefined) await cleanUpLab(client, lab, options)
      await removeNotes(directory)
      if ((await notedMachines(directory)).length > 0) return
      await vagrantfileOf(directory).remove()
    },
  }
}

async function networkOf(
  directory: string,
  openEngine: () => Promise<Docker | undefined>,
): Promise<LabNetwork | undefined> {
  const settled = await readSettled(directory)
  if (settled === undefined) return undefined
  const { subnet, networks } = settled
  const further = Object.entries(networks ?? {}).map(([name, each]) => [name, each.subnet] as const)
  return {
    subnet,
    mtu: LINK_MTU,
    ...(further.length === 0 ? {} : { further: Object.fromEntries(further) }),
    hostSubnets: async () => (await hostSubnets(await openEngine())).filter((other) => other !== subnet),
  }
}

/** Throws where the directory's Vagrantfile is for other machines than those of lab.yml. */
function checkNames(spec: LabSpec, status: string, directory: string): void {
  const known = parseStatus(status)
  const missing = spec.nodes.map(({ name }) => name).filter((name) => !known.has(name))
  if (missing.length === 0) return
  throw new LabError('VAGRANTFILE', `its Vagrantfile knows nothing of ${missing.join(', ')}`, {
    where: directory,
    hint: "it is not lab's: move it away (lab then puts a link to its own there), or load lab's in it",
  })
}

function failure(code: string, node: string, error: unknown): LabError {
  const { message, hint } = error as LabError
  return new LabError(code, message, { where: node, hint, cause: error })
}
