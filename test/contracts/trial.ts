import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSsh } from '../../src/connections/ssh.ts'
import { nthAddress } from '../../src/model/addresses.ts'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import type { LabIdentity, LabSpec, NodeSpec } from '../../src/model/lab-spec.ts'
import type { LabNetwork, MachineRequest, MachineState, Provider } from '../../src/model/provider.ts'
import { waitFor } from '../../src/model/wait.ts'
import { hostKey, labKey } from '../../src/secrets/lab-secrets.ts'
import { openStateDirectory, type StateDirectory } from '../../src/secrets/state-directory.ts'

/** What a provider is tried with. */
export interface ProviderUnderTest {
  readonly name: string
  create(options: { readonly lab: LabIdentity; readonly spec: LabSpec }): Provider
  /** Checks of this provider's own: `leftovers` names what still exists of a lab, in whatever words. */
  leftovers(lab: LabIdentity): Promise<readonly string[]>
}

/** A lab of two machines, `first` and `second`, that a provider is tried on. */
export interface Trial {
  readonly lab: LabIdentity
  readonly provider: Provider
  readonly network: LabNetwork
  readonly signal: AbortSignal
  /** What a machine is asked for with; `keys` are other keys than the lab's own. */
  request(name: 'first' | 'second', keys?: StateDirectory): Promise<MachineRequest>
  /** Works over a connection to a machine, once it answers. */
  onNode<T>(name: string, work: (node: Connection) => Promise<T>, keys?: StateDirectory): Promise<T>
  /** What a script prints on a machine. */
  say(name: string, script: string): Promise<string>
  stateOf(name: string): Promise<MachineState | undefined>
  close(): Promise<void>
}

/** Makes the two machines. */
export async function openTrial(subject: ProviderUnderTest): Promise<Trial> {
  const { signal } = new AbortController()
  const directory = await mkdtemp(join(tmpdir(), 'lab-provider-'))
  const id = `contract-${directory.slice(-6).toLowerCase()}`
  const lab = { id, name: 'contract', directory, stateDirectory: join(directory, '.lab') }
  const state = openStateDirectory(lab.stateDirectory)
  const provider = subject.create({ lab, spec: specOf('first', 'second') })
  await provider.prepare(() => undefined, signal)
  const network = await provider.network(true)
  if (network === undefined) throw new Error('no network was created')

  const request: Trial['request'] = async (name, keys = state) => {
    const [key, host] = await Promise.all([labKey(keys), hostKey(keys, name)])
    return {
      node: nodeSpec(name),
      address: nthAddress(network.subnet, name === 'first' ? 11 : 12),
      hostname: name,
      hostKey: host,
      authorizedKey: key.publicKey,
      specDigest: `digest-of-${name}`,
    }
  }

  async function onNode<T>(name: string, work: (node: Connection) => Promise<T>, keys = state): Promise<T> {
    const machine = (await provider.list()).find((each) => each.name === name)
    if (machine?.ssh === undefined) throw new Error(`${name} has no SSH address`)
    const [key, host] = await Promise.all([labKey(keys), hostKey(keys, name)])
    const ssh = { node: name, ...machine.ssh, privateKey: key.privateKey, hostKey: host.publicKey }
    const connection = await waitFor(
      async () => {
        try {
          return await openSsh({ ...ssh, deadlineMs: 5000, signal })
        } catch (error) {
          // Its SSH server is not up yet. Wrong keys are another matter.
          if (error instanceof LabError && error.code === 'UNREACHABLE') return undefined
          throw error
        }
      },
      { deadlineMs: 30_000, intervalMs: 50, what: `${name} to answer SSH` },
    )
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }

  const say = async (name: string, script: string) =>
    onNode(name, async (node) => (await node.script(script)).stdout.trim())
  const stateOf = async (name: string) => (await provider.list()).find((each) => each.name === name)?.state

  const requests = [await request('first'), await request('second')]
  await Promise.all(requests.map((each) => provider.create(each, signal)))
  return {
    ...{ lab, provider, network, signal, request, onNode, say, stateOf },
    close: async () => {
      for (const machine of await provider.list()) await provider.destroy(machine.name)
      await provider.cleanUp({ images: false })
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function nodeSpec(name: string): NodeSpec {
  return { name, roles: ['worker'], memoryBytes: 1 << 30, cpus: 1, vars: {} }
}

function specOf(...names: readonly string[]): LabSpec {
  return {
    name: 'contract',
    provider: 'docker',
    subnet: 'auto',
    nodes: names.map(nodeSpec),
    edge: { port: 8080, ports: [] },
    volumes: { driver: 'auto', poolSizeBytes: 1 << 30 },
    apps: [],
    vars: {},
  }
}
