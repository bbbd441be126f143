import { LabError } from '../../src/model/errors.ts'
import type { LocalSnapshot, NodeVolumes, StoredRecord } from '../../src/model/volume.ts'
import type { MoveContext } from '../../src/volumes/move/context.ts'
import type { MoveIntent, MoveObservation, nextAction } from '../../src/volumes/move/next-action.ts'
import { observeMove } from '../../src/volumes/move/observe-move.ts'
import { perform } from '../../src/volumes/move/perform.ts'
import { modelDriver } from './model-driver.ts'
import type { Request } from './world.ts'

/** An answer as it came. */
export type Answer = { readonly value: unknown } | { readonly error: { readonly code: string } }

/**
 * A run of lab that drives a move, as data: where it stands, and the answers it got since then. What it does next
 * follows from these alone, so it can be stopped, copied, and gone on with anywhere.
 */
export interface Mover {
  readonly run: string
  readonly stage: 'observe' | 'act' | 'recover' | 'label' | 'ended'
  readonly intent: MoveIntent
  readonly stored: StoredRecord
  readonly observation: MoveObservation | undefined
  readonly answers: readonly Answer[]
}

/** The decisions; a test puts wrong ones here. */
export type Decide = typeof nextAction

/** A mover that has just opened, or taken over, a move. */
export function startMover(stored: StoredRecord, intent: MoveIntent): Mover {
  const run = stored.record.move?.run ?? ''
  return { run, stage: 'observe', intent, stored, observation: undefined, answers: [] }
}

const ENDED = { stage: 'ended', observation: undefined, answers: [] } as const

/** What a mover waits for, having done all that it can without: what it asks for at once, or nothing when it has ended. */
export interface Waiting {
  readonly mover: Mover
  readonly requests: readonly Request[]
}

/** Runs the real code up to the first request to which there is no answer yet. */
export async function advanceMover(mover: Mover, workers: readonly string[], decide: Decide): Promise<Waiting> {
  let now = mover
  while (now.stage !== 'ended') {
    const asked = await replay(now, workers, decide)
    if ('requests' in asked) return { mover: now, requests: asked.requests }
    now = asked.mover
  }
  return { mover: now, requests: [] }
}

async function replay(
  mover: Mover,
  workers: readonly string[],
  decide: Decide,
): Promise<{ readonly requests: readonly Request[] } | { readonly mover: Mover }> {
  const requests: Request[] = []
  let asked = 0
  const ask = <T>(wanted: Request): Promise<T> => {
    const answer = mover.answers[asked++]
    if (answer === undefined) {
      requests.push(wanted)
      // Whoever waits for this is left behind: it is run again when there is an answer.
      return new Promise(() => undefined)
    }
    if ('error' in answer) return Promise.reject(new LabError(answer.error.code, answer.error.code))
    return Promise.resolve(answer.value as T)
  }
  let ended: Mover | undefined
  const work = stage(mover, contextOf(workers, ask), decide).then(
    (next) => (ended = next),
    (error: unknown) => (ended = failed(mover, error)),
  )
  await Promise.race([work, new Promise((resolve) => setImmediate(resolve))])
  if (ended !== undefined) return { mover: ended }
  if (requests.length === 0) throw new Error(`a mover neither asks nor ends in ${mover.stage}`)
  return { requests }
}

/** One stage of `runMove`, whose loop this is, cut into pieces. */
async function stage(mover: Mover, context: MoveContext, decide: Decide): Promise<Mover> {
  const { stored, intent } = mover
  switch (mover.stage) {
    case 'observe':
      return { ...mover, stage: 'act', observation: await observeMove(context, stored.record), answers: [] }
    case 'act': {
      if (mover.observation === undefined || stored.record.phase === 'idle') return { ...mover, ...ENDED }
      const action = decide(stored.record, mover.observation, intent)
      if (action === undefined) return { ...mover, ...ENDED }
      const figures = { rounds: 0, bytesSent: 0 }
      const now = { stored, observation: mover.observation, context, figures, progress: () => undefined }
      const done = await perform(action, now)
      return { ...mover, stored: done.stored, observation: done.observation, answers: [] }
    }
    case 'recover': {
      const [found] = await context.records.list()
      const early = ['precopy', 'quiesce', 'final'].includes(found?.record.phase ?? '')
      if (found === undefined || found.record.move?.run !== mover.run || !early) return { ...mover, ...ENDED }
      return { ...mover, stage: 'observe', intent: 'undo', stored: found, observation: undefined, answers: [] }
    }
    case 'label': {
      const [found] = await context.records.list()
      if (found?.record.phase === 'idle') await context.scheduler.place(found.record.name, found.record.owner)
      return { ...mover, ...ENDED }
    }
    case 'ended':
      return mover
  }
}

/** What `runMove` does about a failure. */
function failed(mover: Mover, error: unknown): Mover {
  if (!(error instanceof LabError)) throw error
  if (mover.stage === 'recover' || mover.stage === 'label') return { ...mover, ...ENDED }
  if (error.code === 'VOLUME_CONFLICT') return { ...mover, stage: 'label', observation: undefined, answers: [] }
  if (mover.intent === 'undo') return { ...mover, ...ENDED }
  return { ...mover, stage: 'recover', observation: undefined, answers: [] }
}

function contextOf(workers: readonly string[], ask: <T>(request: Request) => Promise<T>): MoveContext {
  const unused = () => Promise.reject(new Error('moves do not use this'))
  return {
    records: {
      list: () => ask({ verb: 'list' }),
      create: unused,
      replace: (stored, record) => ask({ verb: 'replace', version: stored.version, record }),
      remove: unused,
    },
    scheduler: {
      placed: () => ask({ verb: 'placed' }),
      place: (_, to) => ask({ verb: 'place', ...(to === undefined ? {} : { to }) }),
      // Not deployed: a move then leaves out the increment that only saves time; the engine's tasks come and go anyway.
      service: () => Promise.resolve(undefined),
      waitServing: () => Promise.resolve(),
    },
    workers,
    signal: new AbortController().signal,
    node: (node) => Promise.resolve(volumesOf(node, ask)),
    reconnect: () => Promise.resolve(),
    inPhase: (_, work) => work(() => undefined),
    notice: () => undefined,
  }
}

function volumesOf(node: string, ask: <T>(request: Request) => Promise<T>): NodeVolumes {
  const unused = () => Promise.reject(new Error('moves do not use this'))
  const driver = modelDriver({
    snapshot: (_: string, snapshot: string) => ask({ verb: 'snapshot', node, snapshot }),
    deleteSnapshot: (_: string, snapshot: string) => ask({ verb: 'delete', node, snapshot }),
    changes: (_: string, since: string | undefined) =>
      ask({ verb: 'changes', node, ...(since === undefined ? {} : { since }) }),
  })
  return {
    node,
    driver,
    tending: {
      setOrders: unused,
      replicas: unused,
      arrived: unused,
      endArrival: unused,
      hold: () => Promise.resolve(),
      release: () => Promise.resolve(),
      snapshot: unused,
    },
    state: () => ask({ verb: 'state', node }),
    grant: (_, epoch, snapshot) => ask({ verb: 'grant', node, epoch, ...(snapshot === undefined ? {} : { snapshot }) }),
    fence: async (_, epoch, _waitSeconds, { snapshot } = {}) => {
      const taken = await ask<LocalSnapshot | null>({
        verb: 'fence',
        node,
        epoch,
        ...(snapshot === undefined ? {} : { snapshot }),
      })
      return { holders: [], snapshot: taken ?? undefined }
    },
    retire: (_, epoch, snapshot) => ask({ verb: 'retire', node, epoch, snapshot }),
    holders: unused,
    forget: unused,
    transfer: ({ snapshot, since, target }) =>
      ask({ verb: 'transfer', node, snapshot, to: target, ...(since === undefined ? {} : { since }) }),
    followTransfer: unused,
    reaches: () => Promise.resolve(true),
    transferRate: unused,
    transferJob: () => Promise.resolve(undefined),
    stopTransfer: () => Promise.resolve(),
  }
}
