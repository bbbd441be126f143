import { LabError } from '../../src/model/errors.ts'
import type { StoredRecord } from '../../src/model/volume.ts'
import type { MoveIntent } from '../../src/volumes/move/next-action.ts'
import { startMover, type Answer, type Mover, type Waiting } from './mover.ts'
import {
  boot,
  copyWorld,
  crash,
  execute,
  isReady,
  nodeOf,
  stepsOf,
  unreachable,
  type Guards,
  type Request,
  type World,
} from './world.ts'

/** How much may go wrong on one path. */
export interface Budget {
  /** Runs of lab that drive moves, at once or one after the other. */
  readonly movers: number
  /** Runs that end without a word. */
  readonly kills: number
  /** Nodes that crash, also in the middle of what they do; each may come back at any time. */
  readonly crashes: number
  /** Requests that fail, or whose answer is lost although they were done (a manager that ends, a connection that breaks). */
  readonly losses: number
  /** Requests that fail for who sent them and are done at any later time; a second time is one more. */
  readonly strays: number
  /** What may go astray, to look further where nothing else does. @default everything that changes something */
  readonly astray?: readonly Request['verb'][]
  /** How often a run stops while it could go on and another one does instead; it may stop for any time. */
  readonly switches: number
}

/** Everything that decides what can come next. */
export interface State {
  readonly world: World
  readonly movers: readonly Mover[]
  readonly strays: readonly Request[]
  readonly left: Budget
  /** The run that did something last. */
  readonly last: number
}

/** Something that can happen, and what is then. */
export interface Step {
  readonly title: string
  readonly state: State
}

const CHANGING = new Set(['replace', 'place', 'snapshot', 'delete', 'grant', 'fence', 'retire', 'transfer'])

/** All that can happen next: to movers, to messages, to nodes; what goes well comes first. */
export function* stepsFrom(
  state: State,
  waiting: readonly Waiting[],
  guards: Guards,
  nodes: readonly string[],
): Generator<Step> {
  const { world, movers, strays } = state
  const going = movers[state.last]?.stage !== 'ended'
  for (const [index, { mover: now, requests }] of waiting.entries()) {
    const [request] = requests
    const left = index === state.last || !going ? state.left : { ...state.left, switches: state.left.switches - 1 }
    if (movers[index]?.stage === 'ended' || left.switches < 0) continue
    const by = { ...state, left, last: index }
    const become = (next: Mover) => movers.with(index, next)
    const who = `run ${String(index + 1)}`
    if (request === undefined) {
      yield { title: `${who} ends`, state: { ...by, movers: become(now) } }
      continue
    }
    const answered = (answer: Answer) => become({ ...now, answers: [...now.answers, answer] })
    const failure: Answer = { error: { code: unreachable().code } }
    const title = titleOf(who, request)
    if (!CHANGING.has(request.verb)) {
      // Looking changes nothing. What is asked for at once is answered at once.
      const asked = requests.map((each) => doneIn(world, each, guards).answer)
      yield {
        title: `${who} looks`,
        state: { ...by, movers: become({ ...now, answers: [...now.answers, ...asked] }) },
      }
    } else if (isReady(world, request)) {
      const done = doneIn(world, request, guards)
      yield { title, state: { ...by, world: done.world, movers: answered(done.answer) } }
      if (left.losses > 0) {
        const less = { ...left, losses: left.losses - 1 }
        yield {
          title: `${title}, answer lost`,
          state: { ...by, world: done.world, movers: answered(failure), left: less },
        }
      }
      const { node } = request
      for (let steps = 0; left.crashes > 0 && node !== undefined && steps < stepsOf(world, request, guards); steps++) {
        if (steps === 0 || !nodeOf(world, node).up) continue
        const half = copyWorld(world)
        execute(half, request, guards, steps)
        crash(half, node)
        const less = { ...left, crashes: left.crashes - 1 }
        const after = settled(half)
        yield {
          title: `${title}, and crashes half way`,
          state: { ...by, world: after, movers: answered(failure), left: less },
        }
      }
    }
    if (left.losses > 0) {
      yield {
        title: `${title}: fails`,
        state: { ...by, movers: answered(failure), left: { ...left, losses: left.losses - 1 } },
      }
    }
    if (left.strays > 0 && CHANGING.has(request.verb) && left.astray?.includes(request.verb) !== false) {
      const less = { ...left, strays: left.strays - 1 }
      yield {
        title: `${title}: goes astray`,
        state: { ...by, movers: answered(failure), strays: [...strays, request], left: less },
      }
    }
    if (left.kills > 0) {
      const dead: Mover = { ...now, stage: 'ended', observation: undefined, answers: [] }
      yield {
        title: `${who} is killed`,
        state: { ...by, movers: become(dead), left: { ...left, kills: left.kills - 1 } },
      }
    }
  }
  for (const [index, stray] of strays.entries()) {
    if (!isReady(world, stray)) continue
    const { world: after } = doneIn(world, stray, guards)
    const title = titleOf('late:', stray)
    yield { title, state: { ...state, world: after, strays: strays.toSpliced(index, 1) } }
    if (state.left.strays === 0) continue
    const left = { ...state.left, strays: state.left.strays - 1 }
    yield { title: `${title} (and once more)`, state: { ...state, world: after, left } }
  }
  yield* worldSteps(state)
  if (state.left.movers > 0) yield* newMovers(state, nodes)
}

/** What machines and the engine do by themselves. The engine is slow to stop tasks: one may run on
 * while another one starts elsewhere. */
function* worldSteps(state: State): Generator<Step> {
  const { world, left } = state
  const changed = (change: (next: World) => void, less = left): State => {
    const next = copyWorld(world)
    change(next)
    return { ...state, world: settled(next), left: less }
  }
  for (const [name, node] of Object.entries(world.nodes)) {
    const placed = world.placed.includes(name)
    const change = (what: (next: World) => void, less?: Budget) => changed(what, less)
    if (!node.up) {
      yield {
        title: `${name} boots`,
        state: change((next) => {
          boot(next, name)
        }),
      }
      continue
    }
    if (left.crashes > 0) {
      const less = { ...left, crashes: left.crashes - 1 }
      yield {
        title: `${name} crashes`,
        state: change((next) => {
          crash(next, name)
        }, less),
      }
    }
    if (node.running && !placed) {
      yield {
        title: `the task stops on ${name}`,
        state: change((next) => {
          nodeOf(next, name).running = false
        }),
      }
    }
  }
}

/** The command again, the other way round, or a new move: whoever comes does not know who else is there. */
function* newMovers(state: State, nodes: readonly string[]): Generator<Step> {
  const { world, movers, left } = state
  const { record } = world
  const run = `r${String(movers.length + 1)}`
  const start = (title: string, move: NonNullable<StoredRecord['record']['move']>, intent: MoveIntent): Step => {
    const next = copyWorld(world)
    const stored = { record, id: 'r', version: world.recordVersion }
    const phase = record.phase === 'idle' ? 'precopy' : record.phase
    next.record = { ...record, phase, move }
    next.recordVersion++
    const mover = startMover({ ...stored, record: next.record, version: next.recordVersion }, intent)
    const less = { ...left, movers: left.movers - 1 }
    return {
      title: `new ${title}`,
      state: { ...state, world: next, movers: [...movers, mover], left: less, last: movers.length },
    }
  }
  if (record.move !== undefined) {
    for (const intent of ['finish', 'undo'] as const) yield start(`run to ${intent}`, { ...record.move, run }, intent)
    return
  }
  for (const target of nodes.filter((node) => node !== record.owner)) {
    const move = { id: record.epoch, run, source: record.owner, target, startedAt: '2026-01-01T00:00:00Z' }
    yield start(`move to ${target}`, move, 'finish')
  }
}

function doneIn(world: World, request: Request, guards: Guards): { readonly world: World; readonly answer: Answer } {
  const next = copyWorld(world)
  try {
    const value = execute(next, request, guards)
    return { world: settled(next), answer: { value } }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { world: next, answer: { error: { code: error.code } } }
  }
}

/** The engine starts a task where the label and the mount are; whoever runs writes, all the time: after every step there is something new that must not be lost. */
function settled(world: World): World {
  for (const [name, node] of Object.entries(world.nodes)) {
    if (node.up && node.served && world.placed.includes(name)) node.running = true
    if (node.running && node.live?.frozen === false && node.live.upTo === world.acknowledged) {
      node.live.upTo = ++world.acknowledged
    }
  }
  return world
}

function titleOf(who: string, { verb, node, epoch, snapshot, to, record }: Request): string {
  const words = [
    who,
    verb,
    snapshot,
    epoch,
    to === undefined ? undefined : `to ${to}`,
    node === undefined ? undefined : `on ${node}`,
  ]
  const plain = words.filter((word) => word !== undefined).join(' ')
  return record === undefined ? plain : `${plain} ${record.phase} ${record.owner} ${String(record.epoch)}`
}
