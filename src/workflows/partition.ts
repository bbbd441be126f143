import { partition, PARTITION_FILE } from '../facts/partition.ts'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'

/** Longest that reading a small file may take. */
const READ_MS = 20_000

/** Names of the nodes that a node is cut off from. */
export async function readPartition(connection: Connection): Promise<readonly string[]> {
  // There is none on a node that was not cut off: what is not read is no line.
  return partition.parse(await connection.exec({ argv: ['cat', PARTITION_FILE], timeoutMs: READ_MS }))
}

/** Why a node that is cut off is not worked on, and what to type. */
export function cutOff(node: string, from: readonly string[]): LabError {
  return new LabError('UNREACHABLE', `${node} is cut off from ${from.join(', ')} by "lab node partition"`, {
    where: node,
    hint: `lab node heal ${node}, then: lab up`,
  })
}
