import type Docker from 'dockerode'
import { openSsh } from '../connections/ssh.ts'
import type { Connection } from '../model/connection.ts'
import { LabError, UsageError } from '../model/errors.ts'
import type { Emit } from '../model/events.ts'
import { nodesWithRole, type LabIdentity, type LabSpec } from '../model/lab-spec.ts'
import { unknownName } from '../model/names.ts'
import type { Machine, Provider } from '../model/provider.ts'
import type { Site } from '../model/site.ts'
import { hostKey, labKey, type SshKey } from '../secrets/lab-secrets.ts'
import { openStateDirectory, type StateDirectory } from '../secrets/state-directory.ts'
import { openEngine } from '../swarm/engine.ts'
import { chooseProvider, type SaidProvider } from './choose-provider.ts'
import { buildSite, notUp } from './site.ts'

/** A lab as workflows see it: what is wanted, what is there, and how to reach it. Opened once a command. */
export interface OpenLab {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  readonly provider: Provider
  /** What lab.yml says makes the machines; `spec` and `provider` are those of what does. */
  readonly said: SaidProvider
  readonly state: StateDirectory
  readonly emit: Emit
  /** Aborted by Ctrl-C; long work passes it on. */
  readonly signal: AbortSignal
  /** Machines as the provider lists them; asked once, again after `refresh()`. */
  machines(): Promise<readonly Machine[]>
  refresh(): void
  /** The connection to a node, opened once. Throws `LabError` `UNREACHABLE` (with what to do) when it cannot be. */
  connect(node: string, options?: ConnectOptions): Promise<Connection>
  /** Forgets a connection that broke, so that the next `connect` opens a new one. */
  disconnect(node: string): Promise<void>
  /** The node's engine, through its connection. */
  engine(node: string): Promise<Docker>
  /**
   * The engine of whichever manager answers first, with its node's name. Throws `NO_MANAGER` when none does, and `NOT_UP`
   * when the lab has no machines.
   */
  manager(): Promise<{ readonly node: string; readonly engine: Docker }>
  /** Everything the playbooks are a function of; reads or makes keys and certificates. The lab must exist. */
  site(): Promise<Site>
  close(): Promise<void>
}

/** How patient `connect` is. */
export interface ConnectOptions {
  /** Keep trying this long while the node still boots; absent, one attempt. */
  readonly bootDeadlineMs?: number
  /** Time for the one attempt, where a node that does not answer is no failure; 3 s when absent. */
  readonly deadlineMs?: number
  /** Calls the attempts off, with its reason as their error. */
  readonly signal?: AbortSignal | undefined
}

/** What a lab is opened with. */
export interface OpenLabOptions {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  readonly emit: Emit
  readonly signal: AbortSignal
  /** What shall make the machines where there are none yet; what lab.yml says, when absent. */
  readonly provider?: LabSpec['provider'] | undefined
}

interface ProviderModule {
  createProvider(options: { lab: LabIdentity; spec: LabSpec; key: () => Promise<SshKey> }): Provider
}

/** Deadline of one attempt to connect: a node that answers at all answers within this. */
const CONNECT_DEADLINE_MS = 3000

/** Opens a lab: nothing is contacted before it is asked for. */
export async function openLab(options: OpenLabOptions): Promise<OpenLab> {
  const { lab, emit, signal } = options
  const state = openStateDirectory(lab.stateDirectory)
  const { spec, provider, said } = await chooseProvider({ ...options, state }, (chosen) =>
    loadProvider(lab, chosen, () => labKey(state)),
  )
  const connections = new Map<string, Promise<Connection>>()
  let machines: Promise<readonly Machine[]> | undefined
  let site: Promise<Site> | undefined

  const listMachines = () => (machines ??= provider.list())
  const open: OpenLab = {
    lab,
    spec,
    provider,
    said,
    state,
    emit,
    signal,
    machines: listMachines,
    refresh: () => {
      machines = undefined
      site = undefined
    },
    connect: (node, connectOptions = {}) => {
      const present = connections.get(node)
      if (present !== undefined) return present
      const opened = connect(node, connectOptions)
      connections.set(node, opened)
      opened.catch(() => connections.delete(node))
      return opened
    },
    disconnect: async (node) => {
      const present = connections.get(node)
      connections.delete(node)
      await present?.then((connection) => connection.close()).catch(() => undefined)
    },
    engine: async (node) => openEngine(await open.connect(node)),
    manager: () => firstManager(open),
    site: () => (site ??= buildSite(open)),
    close: async () => {
      await Promise.all([...connections.keys()].map((node) => open.disconnect(node)))
    },
  }

  async function connect(
    node: string,
    { bootDeadlineMs, deadlineMs, signal: callOff }: ConnectOptions,
  ): Promise<Connection> {
    const machine = (await listMachines()).find((candidate) => candidate.name === node)
    if (machine === undefined) throw missing(node, spec)
    if (machine.state !== 'running' || machine.ssh === undefined) {
      throw new LabError('UNREACHABLE', `${node} is ${machine.state}`, { where: node, hint: 'lab up' })
    }
    if (machine.paused === true) {
      throw new LabError('UNREACHABLE', `${node} is paused`, { where: node, hint: `lab node heal ${node}` })
    }
    const attempt = {
      deadlineMs: bootDeadlineMs ?? deadlineMs ?? CONNECT_DEADLINE_MS,
      retryWhileBooting: bootDeadlineMs !== undefined,
      signal: callOff === undefined ? signal : AbortSignal.any([signal, callOff]),
    }
    if (provider.connect !== undefined) return provider.connect(node, attempt)
    const [key, known] = await Promise.all([labKey(state), hostKey(state, node)])
    return openSsh({
      node,
      host: machine.ssh.host,
      port: machine.ssh.port,
      user: machine.ssh.user,
      privateKey: key.privateKey,
      hostKey: known.publicKey,
      ...attempt,
    })
  }

  return open
}

/** One error for a node that does not exist, and one for a name that nobody knows. */
function missing(node: string, spec: LabSpec): LabError {
  const names = spec.nodes.map((each) => each.name)
  if (!names.includes(node)) return unknownName('node', node, names)
  return new LabError('UNREACHABLE', `${node} does not exist`, { where: node, hint: 'lab up' })
}

async function loadProvider(lab: LabIdentity, spec: LabSpec, key: () => Promise<SshKey>): Promise<Provider> {
  let module: Partial<ProviderModule>
  try {
    module = (await import(`../providers/${spec.provider}.ts`)) as Partial<ProviderModule>
  } catch (error) {
    throw new UsageError(`there is no provider "${spec.provider}"`, { hint: 'use provider: docker', cause: error })
  }
  if (module.createProvider === undefined) throw new UsageError(`"${spec.provider}" is not a provider`)
  return module.createProvider({ lab, spec, key })
}

/** Asks all managers at once and takes the first that answers as one. */
export async function firstManager(
  open: Pick<OpenLab, 'lab' | 'spec' | 'signal' | 'machines' | 'engine'>,
): Promise<{ readonly node: string; readonly engine: Docker }> {
  const managers = nodesWithRole(open.spec, 'manager')
  try {
    return await Promise.any(
      managers.map(async ({ name }) => {
        const engine = await open.engine(name)
        await engine.swarmInspect()
        return { node: name, engine }
      }),
    )
  } catch (error) {
    open.signal.throwIfAborted()
    if ((await open.machines()).length === 0) throw notUp(open.lab.name)
    const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
    const without = 'what runs goes on, and nothing can be deployed, scaled or moved'
    // Of several managers, most have to come back; of one, what stands in its way is all.
    const hint = errors.length === 1 && errors[0] instanceof LabError ? errors[0].hint : undefined
    throw new LabError('NO_MANAGER', `no manager answers (${errors.map(describe).join('; ')}): ${without}`, {
      where: managers.map(({ name }) => name).join(', '),
      hint: hint ?? 'lab up',
      cause: error,
    })
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
