import pLimit from 'p-limit'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import type { LabIdentity, LabSpec, NodeSpec } from '../model/lab-spec.ts'
import type { Machine, MachineRequest, Provider } from '../model/provider.ts'
import { WAITED } from '../shell/transient-unit.ts'
import { adoptScript, allowScript } from './ssh/adopt-script.ts'
import { giveBackScript } from './ssh/give-back-script.ts'
import { isNear, networkOfAll, ownAddress, resolve, type Found } from './ssh/network.ts'
import { CONTACT_MS, openHost, reachableHost, type Attempt, type ReachableHost } from './ssh/reach.ts'
import { noPower, refused, refuseUnsuitable, refuseUntrusted } from './ssh/refuse.ts'
import { systemOf, unsuitable } from './ssh/suitable.ts'
import { surveyHost } from './ssh/survey.ts'

/** Hosts that are asked at once. */
const AT_ONCE = 16
/** Longest that purging what came with lab may take on a slow disk. */
const GIVE_BACK_MS = 1_200_000

/** Options of {@link createProvider}. */
interface SshProviderOptions {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  /** The key the lab reaches its nodes with. */
  readonly key: () => Promise<{ readonly privateKey: string; readonly publicKey: string }>
}

/**
 * Hosts that exist already. What makes one a node is a record on the host itself, written when lab took it over together
 * with what it was like before; `destroy` gives it back like that. Power is not lab's.
 */
export function createProvider({ lab, spec, key }: SshProviderOptions): Provider {
  const patient = new AbortController().signal
  const hosts = new Map<string, Promise<ReachableHost>>()
  let found: Promise<readonly Found[]> | undefined

  const hostOf = (name: string): Promise<ReachableHost> => {
    const node = spec.nodes.find((each) => each.name === name)
    if (node === undefined) throw new LabError('MISSING', `${name} is not in lab.yml`, { where: name })
    const host = hosts.get(name) ?? reachableHost(node)
    hosts.set(name, host)
    return host
  }
  const open = async (name: string, who: 'lab' | 'user', attempt: Attempt) =>
    openHost(await hostOf(name), (await key()).privateKey, who, attempt)
  const asUser = async <T>(
    name: string,
    work: (connection: Connection) => Promise<T>,
    signal = patient,
  ): Promise<T> => {
    const connection = await open(name, 'user', { deadlineMs: CONTACT_MS, signal })
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }
  const look = async (node: NodeSpec): Promise<Found> => {
    const host = await hostOf(node.name)
    try {
      return { host, survey: await asUser(node.name, surveyHost) }
    } catch (error) {
      if (error instanceof LabError) return { host, error }
      throw error
    }
  }
  const lookAtAll = () => {
    const limit = pLimit(AT_ONCE)
    const all = Promise.all(spec.nodes.map((node) => limit(look, node)))
    found = all
    return all
  }
  const isOurs = ({ host, survey }: Found) => survey?.machine?.lab === lab.id && survey.machine.node === host.node.name

  const adopt = async (request: MachineRequest, signal: AbortSignal) => {
    const { name } = request.node
    const { client, survey } = await (async () => {
      const state = (await (found ?? lookAtAll())).find(({ host }) => host.node.name === name)
      if (state?.survey === undefined) throw state?.error ?? new LabError('MISSING', `${name} is not in lab.yml`)
      return { client: state.host.client, survey: state.survey }
    })()
    const problems = unsuitable(survey, lab, name)
    if (problems.length > 0) throw refused([`${name}: ${problems.join('; ')}`])
    const record = {
      lab: lab.id,
      labName: lab.name,
      directory: lab.directory,
      node: name,
      specDigest: request.specDigest,
      address: request.address,
    }
    await asUser(
      name,
      async (connection) => {
        const script = adoptScript(request, record, client.user)
        const { status, stderr } = await connection.script(script, { signal, timeoutMs: 120_000 })
        if (status === 0) return
        const why = stderr.trim().split('\n').slice(-3).join('\n')
        throw new LabError('ADOPT_FAILED', `${name} could not be taken over: ${why}`, {
          where: name,
          hint: 'lab up goes on where it ended',
        })
      },
      signal,
    )
  }

  return {
    name: 'ssh',
    snapshotHint: 'snapshots of these hosts are made where they run',
    prepare: () => Promise.resolve(),
    network: async (create) => {
      const all = await (found ?? lookAtAll())
      if (create) refuseUnsuitable(all, lab)
      else if (!all.some(isOurs)) return undefined
      return networkOfAll(all)
    },
    list: async () => {
      const all = await lookAtAll()
      if (!all.some(isOurs)) refuseUntrusted(all)
      const machines = await Promise.all(
        all.map(async (each): Promise<readonly Machine[]> => {
          const { client, spec: ssh, node } = each.host
          const where = { host: client.host, port: client.port, user: client.user }
          if (isOurs(each) && each.survey?.machine !== undefined) {
            const { address, specDigest } = each.survey.machine
            const { hostKey, sshPort } = each.survey
            const system = systemOf(each.survey)
            return [{ name: node.name, state: 'running', address, ssh: where, specDigest, hostKey, sshPort, system }]
          }
          if (each.survey !== undefined) return []
          // Nobody can tell; as long as it may run it counts as running, and connecting says why it cannot be had.
          const address = ssh.address ?? (await resolve(client.host)) ?? client.host
          return [{ name: node.name, state: 'running', address, ssh: where, specDigest: undefined }]
        }),
      )
      return machines.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    listsSpecOnly: true,
    reached: async (name) => {
      const state = (await (found ?? lookAtAll())).find(({ host }) => host.node.name === name)
      const key = state?.survey?.hostKey
      if (state === undefined || key === undefined) return undefined
      return { at: `${state.host.client.host}:${String(state.host.client.port)}`, key }
    },
    create: adopt,
    address: async (name) => {
      const state = (await (found ?? lookAtAll())).find(({ host }) => host.node.name === name)
      if (state?.survey === undefined) throw state?.error ?? new LabError('MISSING', `${name} is not in lab.yml`)
      return ownAddress(state.host, state.survey)
    },
    connect: (name, attempt) => open(name, 'lab', attempt),
    powerless: true,
    start: (name) => Promise.reject(noPower(name, 'started', 'switch it on by hand')),
    stop: (name) =>
      Promise.reject(
        noPower(name, 'stopped', `"lab ssh ${name} poweroff" shuts it down, if you can switch it on again`),
      ),
    kill: (name) => Promise.reject(noPower(name, 'switched off', 'switch it off by hand')),
    destroy: async (name) => {
      await asUser(name, async (connection) => {
        const giveBack = () =>
          connection.exec({
            argv: ['sh', '-s'],
            stdin: giveBackScript(lab.id, name),
            unit: 'lab-give-back',
            timeoutMs: GIVE_BACK_MS,
          })
        let done = await giveBack()
        // One of a run that was cut off was at it still: how that ended, and what it left, the next one finds out.
        while (done.status === WAITED) done = await giveBack()
        const { status, stderr } = done
        if (status !== 0) {
          const why = stderr.trim().split('\n').slice(-5).join('\n')
          throw new LabError('NOT_GIVEN_BACK', `${name} is not what it was yet: ${why}`, {
            where: name,
            hint: 'lab destroy goes on where it ended',
          })
        }
      })
    },
    restoreAccess: async (request) => {
      const { client } = await hostOf(request.node.name)
      await asUser(request.node.name, async (connection) => {
        const { status, stderr } = await connection.script(allowScript(request.authorizedKey, client.user))
        if (status !== 0) throw new LabError('ACCESS_DENIED', stderr.trim(), { where: request.node.name })
      })
    },
    endpoint: async (name, nodePort) => {
      const { survey, host } = (await (found ?? lookAtAll())).find((each) => each.host.node.name === name) ?? {}
      const address = survey?.machine?.address
      if (address === undefined || host === undefined) return undefined
      return (await isNear(address, nodePort)) ? { host: address, port: nodePort } : undefined
    },
    cleanUp: () => Promise.resolve(),
  }
}
