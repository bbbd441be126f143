import { isName } from './names.ts'

/** How often a schedule takes a snapshot: once in each hour, day, week (from Monday) or month, by UTC. */
export const SCHEDULES = ['hourly', 'daily', 'weekly', 'monthly'] as const
export type Schedule = (typeof SCHEDULES)[number]

/** The names that schedules give; whatever else begins alike is not theirs. Extended regular expressions, for nodes too. */
export const SCHEDULED_NAMES: Readonly<Record<Schedule, string>> = {
  hourly: '^hourly-[0-9]{8}-[0-9]{2}$',
  daily: '^daily-[0-9]{8}$',
  weekly: '^weekly-[0-9]{4}-w[0-9]{2}$',
  monthly: '^monthly-[0-9]{6}$',
}

/** A copy of a volume on another node, brought up to date again and again. */
export interface VolumeReplica {
  /** Name of a worker. */
  readonly node: string
  /** Time from the start of one round to the start of the next. */
  readonly everyMs: number
  /** An app's file wants it: it goes with what the file says. */
  readonly deployed?: true
}

/** How many snapshots of each schedule stay; a schedule that is left out takes none. */
export type VolumeKeep = Readonly<Partial<Record<Schedule, number>>>

/** Commands that run in the service's container around a snapshot, as argument vectors. */
export interface VolumeHooks {
  /** Before it; when this fails, no snapshot is taken. */
  readonly pre?: readonly string[] | undefined
  /** After it, also after a `pre` that failed. */
  readonly post?: readonly string[] | undefined
}

/** What a volume's owner does by itself, wherever the volume is. */
export interface VolumePolicy {
  readonly replicas: readonly VolumeReplica[]
  readonly keep: VolumeKeep
  readonly hooks: VolumeHooks
  /** Whoever watches (`lab volume watch`) promotes the youngest replica when the owner is dead, whatever that loses. */
  readonly autoPromote?: true
  /** The parts that are as an app's file says, and go with it. */
  readonly deployed?: readonly ('keep' | 'hooks')[]
}

export const NO_POLICY: VolumePolicy = { replicas: [], keep: {}, hooks: {} }

/** Bounds of {@link VolumeReplica.everyMs}. */
export const REPLICA_EVERY = { leastMs: 1000, mostMs: 7 * 86_400_000 } as const
/** Most snapshots of one schedule that stay. */
const MOST_KEPT = 1000

/** Start of the names of snapshots that replicas are made of. */
export const REPLICA_PREFIX = 'replica-'

/** Pure: true when a policy asks its owner for nothing; promotion is not the owner's matter. */
export function isEmptyPolicy({ replicas, keep, hooks }: VolumePolicy): boolean {
  return replicas.length === 0 && Object.keys(keep).length === 0 && hooks.pre === undefined && hooks.post === undefined
}

/**
 * Pure: the policy once the volume goes from one node to another. A replica on the new owner would be a copy of itself:
 * it is on the former owner from then on, which has most of the data already.
 */
export function policyAfterMove(policy: VolumePolicy, from: string, to: string): VolumePolicy {
  if (from === to || !policy.replicas.some(({ node }) => node === to)) return policy
  const replicas = policy.replicas.map((replica) => (replica.node === to ? { ...replica, node: from } : replica))
  // The former owner can hardly have been a replica, but two of one node would be in each other's way.
  const once = replicas.filter(({ node }, index) => replicas.findIndex((each) => each.node === node) === index)
  return { ...policy, replicas: once }
}

/**
 * Pure: which snapshots of schedules are too many. `snapshots` in the order in which they were taken, which no clock can
 * change; of each schedule the last ones stay. Snapshots of other names are not judged.
 */
export function expiredSnapshots(snapshots: readonly string[], keep: VolumeKeep): readonly string[] {
  return SCHEDULES.flatMap((schedule) => {
    const count = keep[schedule]
    if (count === undefined) return []
    const form = new RegExp(SCHEDULED_NAMES[schedule])
    const taken = snapshots.filter((name) => form.test(name))
    return taken.slice(0, Math.max(0, taken.length - count))
  })
}

/**
 * Pure: the name of a schedule's snapshot for the hour, day, week or month that a time is in. UTC has no daylight
 * saving, so every hour and every day is there once. A name that is there means that its snapshot was taken.
 */
export function scheduledName(schedule: Schedule, time: Date): string {
  const [day = '', clock = ''] = time.toISOString().split('T')
  const digits = day.replaceAll('-', '')
  switch (schedule) {
    case 'hourly':
      return `hourly-${digits}-${clock.slice(0, 2)}`
    case 'daily':
      return `daily-${digits}`
    case 'weekly':
      return `weekly-${isoWeek(time)}`
    case 'monthly':
      return `monthly-${digits.slice(0, 6)}`
  }
}

/** The week of ISO 8601, as `2026-w47`: it belongs to the year that its Thursday is in. */
function isoWeek(time: Date): string {
  const day = 86_400_000
  const midnight = Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate())
  const thursday = midnight + (3 - ((time.getUTCDay() + 6) % 7)) * day
  const year = new Date(thursday).getUTCFullYear()
  const week = Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * day)) + 1
  return `${String(year)}-w${String(week).padStart(2, '0')}`
}

/** Pure: a policy as it is kept in a record. */
export function policyText(policy: VolumePolicy): string {
  return JSON.stringify(policy)
}

/** Pure: the policy that text holds; undefined when it holds none that makes sense. */
export function readPolicy(text: string): VolumePolicy | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Whoever reads the record says what is wrong with it.
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { replicas, keep, hooks, deployed } = value
  if (!Array.isArray(replicas) || !replicas.every(isReplica) || !isKeep(keep) || !isRecord(hooks)) return undefined
  if (![hooks['pre'], hooks['post']].every((hook) => hook === undefined || isHook(hook))) return undefined
  const auto = value['autoPromote'] === true ? { autoPromote: true as const } : {}
  if (deployed === undefined) return { replicas, keep, hooks, ...auto }
  if (!Array.isArray(deployed)) return undefined
  const parts = (['keep', 'hooks'] as const).filter((part) => deployed.includes(part))
  return { replicas, keep, hooks, ...auto, deployed: parts }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isReplica(value: unknown): value is VolumeReplica {
  if (!isRecord(value) || typeof value['node'] !== 'string' || !isName(value['node'])) return false
  const every = value['everyMs']
  return Number.isSafeInteger(every) && Number(every) >= REPLICA_EVERY.leastMs && Number(every) <= REPLICA_EVERY.mostMs
}

/** True for counts of snapshots by schedule, as users write them too. */
export function isKeep(value: unknown): value is VolumeKeep {
  if (!isRecord(value)) return false
  return Object.entries(value).every(([schedule, count]) => {
    const whole = Number.isSafeInteger(count) && Number(count) >= 1 && Number(count) <= MOST_KEPT
    return SCHEDULES.some((each) => each === schedule) && whole
  })
}

/** True for an argument vector that can be run. */
export function isHook(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value[0] === '') return false
  return value.every((word) => typeof word === 'string' && !word.includes('\0'))
}
