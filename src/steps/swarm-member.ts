import { callEngine, joinSwarm } from '../facts/engine-api.ts'
import { engineState, type SwarmMembership } from '../facts/engine.ts'
import { joinToken } from '../facts/join-token.ts'
import { keptSwarm, type KeptSwarm } from '../facts/kept-swarm.ts'
import { swarmAcceptance } from '../facts/swarm-acceptance.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { LabError } from '../model/errors.ts'
import { SWARM_PORT } from '../model/names.ts'
import { FactUnavailable, type ApplyContext, type Change } from '../model/step.ts'

/** A place in the lab's swarm. */
export interface SwarmMemberOptions {
  /** What it is in the swarm. */
  readonly role: 'manager' | 'worker'
  /** The node's own address; the swarm uses no other. */
  readonly address: string
  /** The lab's managers. The first founds the swarm when no other manager is in one. */
  readonly managers: readonly { readonly name: string; readonly address: string }[]
  /** What a new swarm is founded with. */
  readonly founding: SwarmFounding
  /** The nodes of the lab: no swarm is founded while another one of them has it. @default `managers` */
  readonly nodes?: readonly { readonly name: string; readonly address: string }[]
}

/** Fixed for the life of a swarm, but for the last three. */
export interface SwarmFounding {
  /** UDP port of the overlays. */
  readonly dataPathPort: number
  /** Range that overlay networks without a subnet of their own are taken from, a /24 each. */
  readonly addressPool: string
  readonly heartbeatMs: number
  readonly taskHistory: number
  /** @default 90, the engine's own */
  readonly certificateDays?: number
}

// The engine lists itself as a manager, or stops to, a moment after the command that made it so.
const DEMOTE = `id=$(docker info --format '{{.Swarm.NodeID}}') || exit
docker node demote "$id" || exit
tries=100
while [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ]; do
  [ $((tries -= 1)) -gt 0 ] || { echo 'still a manager 10 s after it was demoted' >&2; exit 1; }
  sleep 0.1
done`

const AWAIT = `tries=150
until docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active; do
  [ $((tries -= 1)) -gt 0 ] || { echo 'no manager took the node back within 15 s' >&2; exit 1; }
  sleep 0.1
done`

/**
 * A member of the lab's swarm. A node that left, that the managers removed, or that belongs to a swarm which is no more
 * joins (again); the first manager founds the swarm.
 * @example
 * swarmMember({
 *   role: 'manager',
 *   address: '10.90.3.11',
 *   managers: [{ name: 'node1', address: '10.90.3.11' }],
 *   founding: { dataPathPort: 4799, addressPool: '10.240.0.0/16', heartbeatMs: 1000, taskHistory: 2 },
 * })
 * @throws FACT_UNAVAILABLE: the engine does not run.
 * @throws NO_MANAGER: no manager is in a swarm yet, and the node is not the first of them.
 * @throws OTHER_SWARM: another node of the lab has its swarm; or the node has a swarm of its own, and is to leave it.
 * @throws SWARM_BROKEN: the swarm of the first manager does not start; it is left as it is.
 */
export const swarmMember = defineStep({
  kind: 'swarm-member',
  title: (wanted: SwarmMemberOptions) => `in the swarm as ${wanted.role}`,
  facts: (wanted) => ({ engine: engineState, accepted: swarmAcceptance(others(wanted), wanted.address) }),
  diff(wanted, { engine: { swarm }, accepted }) {
    const change = (from: string | undefined): Change[] => [{ path: 'member', from, to: wanted.role }]
    if (swarm.state === 'inactive') return change(undefined)
    if (accepted === 'removed') return change('removed by the managers')
    if (accepted === 'another') return change("of another swarm than the lab's managers")
    if (swarm.state === 'pending') return [{ path: 'state', from: 'pending', to: 'active' }]
    if (swarm.state !== 'active') return change(swarm.error === '' ? swarm.state : `${swarm.state}: ${swarm.error}`)
    return swarm.role === wanted.role ? [] : [{ path: 'role', from: swarm.role, to: wanted.role }]
  },
  async apply(wanted, changes, { engine: { swarm }, accepted }, context) {
    if (changes.some(({ path }) => path === 'state')) return [{ argv: ['sh', '-c', AWAIT] }]
    if (wanted.role === 'worker' && changes.some(({ path }) => path === 'role')) return [{ argv: ['sh', '-c', DEMOTE] }]
    const token = await findToken(wanted, context)
    if (token !== undefined) {
      if (accepted === 'another' && swarm.role === 'manager') throw ownSwarm(context)
      const join = joinThrough(wanted, token)
      return swarm.state === 'inactive' ? [join] : [callEngine('POST', '/swarm/leave?force=1'), join]
    }
    if (wanted.managers[0]?.address !== wanted.address) {
      throw new LabError('NO_MANAGER', 'no manager of the lab is in a swarm that could be joined', {
        where: context.node.name,
        hint: 'lab up',
      })
    }
    const founded = found(wanted, swarm, context)
    await refuseSecond(wanted, context)
    return [founded]
  },
})

function others({ address, managers }: SwarmMemberOptions): SwarmMemberOptions['managers'] {
  return managers.filter((manager) => manager.address !== address)
}

interface Token {
  readonly text: string
  /** Of the manager that gave it. */
  readonly address: string
}

/** Asks the lab's other managers for a token until one has one. */
async function findToken(wanted: SwarmMemberOptions, context: ApplyContext): Promise<Token | undefined> {
  for (const { name, address } of others(wanted)) {
    try {
      return { text: await context.read(name, joinToken(wanted.role)), address }
    } catch (error) {
      if (!(error instanceof FactUnavailable)) throw error
    }
  }
  return undefined
}

function joinThrough(wanted: SwarmMemberOptions, token: Token): Command {
  const body = { ...ownAddress(wanted), RemoteAddrs: [`${token.address}:${String(SWARM_PORT)}`], JoinToken: token.text }
  return { ...joinSwarm(body), secrets: [token.text] }
}

/**
 * A new swarm, on a manager that is in none. One whose swarm does not start is not made to leave it: its services and
 * the records of the volumes would be gone.
 */
function found(wanted: SwarmMemberOptions, { state, role, error }: SwarmMembership, context: ApplyContext): Command {
  if (state === 'active' && role === 'worker') {
    throw new LabError('NO_MANAGER', 'this node is a worker of a swarm of which no manager is one in lab.yml', {
      where: context.node.name,
      hint: 'give the role "manager" back to a node that had it, lab up, and take it away only then',
    })
  }
  if (state !== 'inactive') {
    throw new LabError('SWARM_BROKEN', `the swarm on this manager does not start (${state}): ${error}`, {
      where: context.node.name,
      hint: 'mend the cause; or, giving up all services and records of volumes: docker swarm leave --force',
    })
  }
  return callEngine('POST', '/swarm/init', { ...ownAddress(wanted), ...foundation(wanted.founding) })
}

/** What a node says that cannot be spoken to. */
const AWAY: ReadonlySet<string> = new Set(['UNREACHABLE', 'START_FAILED'])

/** Throws while another node has the swarm: beside a second one, its services and the records of its volumes are lost. */
async function refuseSecond({ address, managers, nodes = managers }: SwarmMemberOptions, context: ApplyContext) {
  const others = nodes.filter((node) => node.address !== address)
  const asked = await Promise.all(
    others.map(async ({ name }): Promise<KeptSwarm | undefined> => {
      try {
        return await context.read(name, keptSwarm)
      } catch (error) {
        if (error instanceof LabError && AWAY.has(error.code)) return undefined
        throw error
      }
    }),
  )
  const known = new Set(asked.flatMap((kept) => kept?.managers ?? []))
  const keeper = others.find((_, index) => asked[index]?.keeps)
  const away = others.find((node, index) => asked[index] === undefined && known.has(node.address))
  const holder = keeper ?? away
  if (holder === undefined) return
  const { name } = holder
  const isManager = managers.some((manager) => manager.name === name)
  throw new LabError(
    'OTHER_SWARM',
    `${name} has the swarm of this lab${keeper === undefined ? ' and does not answer' : ''}: its services and the records of all volumes would be lost with a second one`,
    {
      where: context.node.name,
      hint: isManager
        ? 'lab up, once most of the managers answer; if they will not come back: lab node recover-quorum'
        : `give ${name} the role "manager" back, lab up, and take it away only then`,
    },
  )
}

function ownSwarm({ node }: ApplyContext): LabError {
  return new LabError(
    'OTHER_SWARM',
    `${node.name} manages a swarm of its own, whose services and records of volumes would be gone if it left`,
    {
      where: node.name,
      hint: `give it up with: lab ssh ${node.name} -- docker swarm leave --force; then lab up`,
    },
  )
}

function ownAddress({ address }: SwarmMemberOptions): object {
  return { ListenAddr: `${address}:${String(SWARM_PORT)}`, AdvertiseAddr: address }
}

function foundation(founding: SwarmFounding): object {
  return {
    DataPathPort: founding.dataPathPort,
    DefaultAddrPool: [founding.addressPool],
    SubnetSize: 24,
    Spec: {
      Orchestration: { TaskHistoryRetentionLimit: founding.taskHistory },
      Dispatcher: { HeartbeatPeriod: founding.heartbeatMs * 1e6 },
      ...(founding.certificateDays === undefined
        ? {}
        : { CAConfig: { NodeCertExpiry: founding.certificateDays * 86_400e9 } }),
    },
  }
}
