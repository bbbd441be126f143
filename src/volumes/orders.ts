import { createHash } from 'node:crypto'
import { isEmptyPolicy, SCHEDULES } from '../model/volume-policy.ts'
import type { VolumeRecord } from '../model/volume.ts'

/**
 * Pure: a record's policy as the node script `volume-tend` reads it, a line a thing; undefined when there is nothing to
 * do. Words of commands are in base64, so that no letter of theirs means anything to a shell.
 */
export function ordersText({ owner, service, policy }: VolumeRecord): string | undefined {
  if (policy === undefined || isEmptyPolicy(policy)) return undefined
  const { replicas, keep, hooks } = policy
  const hook = (name: string, argv: readonly string[] | undefined) =>
    argv === undefined ? [] : [[name, ...argv.map((word) => Buffer.from(word).toString('base64'))].join(' ')]
  return [
    `node ${owner}`,
    `service ${service}`,
    ...replicas.map(({ node, everyMs }) => `replica ${node} ${String(everyMs)}`),
    ...SCHEDULES.flatMap((schedule) => {
      const count = keep[schedule]
      return count === undefined ? [] : [`keep ${schedule} ${String(count)}`]
    }),
    ...hook('pre', hooks.pre),
    ...hook('post', hooks.post),
  ].join('\n')
}

/** Pure: what a node that has these orders says of them. */
export function ordersDigest(orders: string | undefined): string | undefined {
  if (orders === undefined) return undefined
  return createHash('sha256').update(`${orders}\n`).digest('hex').slice(0, 16)
}
