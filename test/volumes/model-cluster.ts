import { LabError } from '../../src/model/errors.ts'
import type {
  LocalSnapshot,
  NodeVolume,
  NodeVolumes,
  StoredRecord,
  VolumeHolder,
  VolumeRecord,
} from '../../src/model/volume.ts'
import type { ReplicaState } from '../../src/model/volume-tending.ts'
import type { VolumeService, VolumeScheduler } from '../../src/model/volume-service.ts'
import type { MoveContext } from '../../src/volumes/move/context.ts'
import type { Fate } from './fates.ts'
import { idleRecord } from './idle-record.ts'
import { modelDriver } from './model-driver.ts'

interface Copy {
  /** Numbers of the acknowledged writes in it. */
  readonly content: number[]
  frozen: boolean
}

interface ModelNode {
  live: Copy | undefined
  readonly snapshots: (LocalSnapshot & { readonly content: readonly number[] })[]
  lease: number
  fence: number
  served: boolean
}

const VOLUME = 'data'
const SERVICE: VolumeService = { id: 's', name: 'app', image: 'app', stopGraceMs: 1000, healthChecked: true }

/**
 * A cluster as the protocol sees it, in memory: nodes with copies, leases and fences, records with compare-and-swap, a
 * label, and an app that writes wherever it runs. After every effect it checks that there is one writer at most.
 */
export class ModelCluster {
  readonly nodes = new Map<string, ModelNode>()
  /** What a write adds to a transfer. Of less, nothing is copied ahead when the target has a snapshot already. */
  writeBytes = 16 * 1024 * 1024
  /** Whether nodes reach each other. */
  connected = true
  record: StoredRecord
  placed: string[] = ['a']
  acknowledged: number[] = []
  /** What owners say of replicas. */
  replicas: readonly ReplicaState[] = []
  #running: string | undefined = 'a'
  #identity = 0

  constructor(names: readonly string[] = ['a', 'b', 'c']) {
    for (const name of names) {
      this.nodes.set(name, { live: undefined, snapshots: [], lease: 0, fence: 0, served: false })
    }
    Object.assign(this.node('a'), { live: { content: [], frozen: false }, lease: 1, served: true })
    this.record = { record: idleRecord({ name: VOLUME }), id: 'r', version: 1 }
  }

  node(name: string): ModelNode {
    const found = this.nodes.get(name)
    if (found === undefined) throw new Error(`no node ${name}`)
    return found
  }

  /** Opens a move as the workflow does. */
  open(target: string, run: string): StoredRecord {
    const { record } = this.record
    const move = { id: record.epoch, run, source: record.owner, target, startedAt: '2026-01-01T00:00:00Z' }
    return this.#write(this.record, { ...record, phase: 'precopy', move })
  }

  /** Another run takes the open move over. */
  takeOver(run: string): StoredRecord {
    const { record } = this.record
    if (record.move === undefined) throw new Error('no move to take over')
    return this.#write(this.record, { ...record, move: { ...record.move, run } })
  }

  /** The engine starts and stops the app as labels and mounts say, and the app writes where it runs. */
  tick(): void {
    if (this.#running !== undefined && !this.placed.includes(this.#running)) this.#running = undefined
    const [place] = this.placed
    if (this.#running === undefined && place !== undefined && this.node(place).served) this.#running = place
    const live = this.#running === undefined ? undefined : this.node(this.#running).live
    if (live !== undefined && !live.frozen) {
      const write = this.acknowledged.length + 1
      live.content.push(write)
      this.acknowledged.push(write)
    }
    this.check()
  }

  check(): void {
    const writers = [...this.nodes].filter(([, { live, served }]) => served && live !== undefined && !live.frozen)
    if (writers.length > 1) throw new Error(`two writers: ${writers.map(([name]) => name).join(', ')}`)
  }

  /** The content of the owner's copy. */
  get served(): readonly number[] | undefined {
    return this.node(this.record.record.owner).live?.content
  }

  get running(): string | undefined {
    return this.#running
  }

  /** What one run of lab sees. `fate` decides what happens at each of its effects. */
  context(fate: Fate, signal = new AbortController().signal): MoveContext {
    let step = 0
    const effect = async <T>(name: string, work: () => T): Promise<T> => {
      const now = ++step
      await fate(now, name, 'before')
      const result = work()
      this.tick()
      await fate(now, name, 'after')
      return result
    }
    const scheduler: VolumeScheduler = {
      placed: () => effect('placed', () => [...this.placed]),
      place: (_, node) => effect(`place ${String(node)}`, () => void (this.placed = node === undefined ? [] : [node])),
      service: () => effect('service', () => SERVICE),
      waitServing: () => effect('wait-serving', () => undefined),
    }
    return {
      records: {
        list: () => effect('list', () => [this.record]),
        create: () => Promise.reject(new Error('not part of a move')),
        replace: (stored, next) =>
          effect(`record ${next.phase} ${next.owner} ${String(next.epoch)}`, () => this.#write(stored, next)),
        remove: () => Promise.reject(new Error('not part of a move')),
      },
      scheduler,
      workers: [...this.nodes.keys()],
      signal,
      node: (name) => Promise.resolve(this.#volumes(name, effect)),
      reconnect: () => Promise.resolve(),
      inPhase: (_, work) => work(() => undefined),
      notice: () => undefined,
    }
  }

  #write(stored: StoredRecord, next: VolumeRecord): StoredRecord {
    if (stored.version !== this.record.version) throw new LabError('VOLUME_CONFLICT', 'the record was changed')
    this.record = { record: next, id: stored.id, version: stored.version + 1 }
    return this.record
  }

  #volumes(name: string, effect: <T>(title: string, work: () => T) => Promise<T>): NodeVolumes {
    const node = this.node(name)
    const on = <T>(title: string, work: () => T) => effect(`${title} on ${name}`, work)
    const seen = (): NodeVolume => ({
      name: VOLUME,
      live: node.live === undefined ? 'absent' : node.live.frozen ? 'frozen' : 'writable',
      snapshots: node.snapshots.map((each) => ({ name: each.name, identity: each.identity })),
      served: node.served,
      leaseEpoch: node.lease,
      fencedEpoch: node.fence,
    })
    const refuse = (why: string) => new LabError('EPOCH_FENCED', why)
    const take = (snapshot: string): LocalSnapshot => {
      if (node.live === undefined) throw new LabError('VOLUME_DRIVER', 'no live copy')
      if (node.snapshots.some((each) => each.name === snapshot)) throw new LabError('VOLUME_DRIVER', 'is there')
      const identity = `i${String(++this.#identity)}`
      node.snapshots.push({ name: snapshot, identity, content: [...node.live.content] })
      return { name: snapshot, identity }
    }
    const fence = (epoch: number): readonly VolumeHolder[] => {
      if (node.lease > epoch) throw refuse('served under a newer epoch')
      if (this.#running === name && this.placed.includes(name)) {
        return [{ kind: 'mount', pid: 1, command: 'app', path: '/data' }]
      }
      if (this.#running === name) this.#running = undefined
      node.fence = Math.max(node.fence, epoch)
      node.lease = 0
      node.served = false
      if (node.live !== undefined) node.live.frozen = true
      return []
    }
    const remove = (snapshot: string) => {
      const index = node.snapshots.findIndex((each) => each.name === snapshot)
      if (index >= 0) node.snapshots.splice(index, 1)
    }
    const unused = () => Promise.reject(new Error('moves do not use this'))
    const driver = modelDriver({
      // There is a write an effect.
      changes: (_, since, seconds) =>
        on('changes', () => {
          const base = node.snapshots.find((each) => each.name === since)?.content.length ?? 0
          const bytes = ((node.live?.content.length ?? 0) - base) * this.writeBytes
          return { bytes, writtenBytes: seconds * this.writeBytes, overMs: seconds * 1000 }
        }),
      snapshot: (_, snapshot) => on(`snapshot ${snapshot}`, () => take(snapshot)),
      deleteSnapshot: (_, snapshot) =>
        on(`delete ${snapshot}`, () => {
          remove(snapshot)
        }),
    })
    return {
      node: name,
      driver,
      tending: {
        setOrders: () => on('orders', () => undefined),
        replicas: () => Promise.resolve(this.replicas),
        arrived: unused,
        endArrival: unused,
        hold: () => on('hold', () => undefined),
        release: () => on('release', () => undefined),
        snapshot: unused,
      },
      state: () => on('state', () => [seen()]),
      grant: (_, epoch, from) =>
        on(`grant ${String(epoch)}`, () => {
          if (epoch <= node.fence || epoch < node.lease) throw refuse(`epoch ${String(epoch)} was given up`)
          const source = node.snapshots.find((each) => each.name === from)
          if (node.live === undefined && source === undefined) throw new LabError('VOLUME_DRIVER', 'no data')
          node.live ??= { content: [...(source?.content ?? [])], frozen: false }
          node.live.frozen = false
          node.lease = epoch
          node.served = true
        }),
      fence: (_, epoch, _waitSeconds, { snapshot } = {}) =>
        on(`fence ${String(epoch)}`, () => {
          const holders = fence(epoch)
          const there = node.snapshots.find((each) => each.name === snapshot)
          const takes = holders.length === 0 && snapshot !== undefined && node.live !== undefined
          return { holders, snapshot: takes ? (there ?? take(snapshot)) : undefined }
        }),
      retire: (_, epoch, snapshot) =>
        on(`retire ${String(epoch)}`, () => {
          if (node.fence !== epoch || node.lease > 0 || node.served) throw refuse('not fenced at this epoch')
          if (node.live === undefined) return
          if (!node.snapshots.some((each) => each.name === snapshot)) take(snapshot)
          node.live = undefined
        }),
      holders: () => Promise.resolve([]),
      forget: unused,
      transfer: ({ snapshot, since, target }) =>
        on(`send ${snapshot} to ${target}`, () => {
          const sent = node.snapshots.find((each) => each.name === snapshot)
          const there = this.node(target).snapshots
          if (sent === undefined || (since !== undefined && !there.some((each) => each.name === since))) {
            throw new LabError('TRANSFER_FAILED', 'no such snapshot, or no base')
          }
          if (there.some((each) => each.name === snapshot)) throw new LabError('TRANSFER_FAILED', 'is there already')
          there.push({ ...sent })
          const base = node.snapshots.find((each) => each.name === since)?.content ?? []
          return (sent.content.length - base.length) * this.writeBytes
        }),
      followTransfer: unused,
      reaches: () => Promise.resolve(this.connected),
      transferRate: () => Promise.resolve(undefined),
      transferJob: () => on('job', () => undefined),
      stopTransfer: () => on('stop transfer', () => undefined),
    }
  }
}
