import type { VolumeHooks, VolumeKeep, VolumePolicy, VolumeReplica } from './volume-policy.ts'

/** What an app's file says of a volume beyond its size; a part that is left out says nothing. */
export interface VolumeWishes {
  readonly replicas?: readonly VolumeReplica[]
  readonly keep?: VolumeKeep
  readonly hooks?: VolumeHooks
}

/** A policy as an app's file wants it. */
export interface WishedPolicy {
  readonly policy: VolumePolicy
  /** Nodes that shall have a replica and own the volume themselves, for now. */
  readonly waiting: readonly string[]
}

/**
 * Pure: the policy once an app's file has its way. What the file says is set, and marked as the file's; what it does not
 * say any more goes, if it was the file's. What was set by hand, and the file is silent about, stays.
 */
export function policyAsWished(policy: VolumePolicy, owner: string, wishes: VolumeWishes): WishedPolicy {
  const { deployed = [], autoPromote } = policy
  const part = <K extends 'keep' | 'hooks'>(key: K): VolumePolicy[K] =>
    wishes[key] ?? (deployed.includes(key) ? {} : policy[key])
  const marks = (['keep', 'hooks'] as const).filter((key) => wishes[key] !== undefined)
  const { replicas, waiting } = replicasAsWished(policy.replicas, owner, wishes.replicas ?? [])
  const next: VolumePolicy = {
    replicas,
    keep: part('keep'),
    hooks: part('hooks'),
    // No file speaks of it. With the last replica it ends, as it does by hand.
    ...(autoPromote === true && replicas.length > 0 ? { autoPromote } : {}),
    ...(marks.length === 0 ? {} : { deployed: marks }),
  }
  return { policy: next, waiting }
}

function replicasAsWished(now: readonly VolumeReplica[], owner: string, wanted: readonly VolumeReplica[]) {
  const elsewhere = wanted.filter(({ node }) => node !== owner)
  const taken = elsewhere.map(({ node }) => node)
  // Where the volume moved to its own replica, that is where it came from (`policyAfterMove`), and stays there.
  const free = now.filter(({ node, deployed }) => deployed === true && node !== owner && !taken.includes(node))
  const here = wanted.filter(({ node }) => node === owner)
  const instead = here.flatMap((replica, index) => {
    const stand = free[index]
    return stand === undefined ? [] : [{ ...replica, node: stand.node }]
  })
  const byHand = now.filter(({ node, deployed }) => deployed !== true && !taken.includes(node))
  const deployed = [...elsewhere, ...instead].map((replica): VolumeReplica => ({ ...replica, deployed: true }))
  return {
    replicas: [...byHand, ...deployed],
    waiting: here.slice(instead.length).map(({ node }) => node),
  }
}
