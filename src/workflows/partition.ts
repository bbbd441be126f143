import { partition } from '../facts/partition.ts'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'

/** Longest that reading a small file may take. */
const READ_MS = 20_000

/** Names of the nodes that a node is cut off from. */
export async function readPartition(connection: Connection): Promise<readonly string[]> {
  const { status, stdout, stderr } = await connection.exec({
    argv: ['sh', '-c', partition.script],
    timeoutMs: READ_MS,
  })
  return partition.parse({ status, stdout, stderr })
}

/** Why a node that is cut off is not worked on, and what to type. */
export function cutOff(node: string, from: readonly string[]): LabError {
  return new LabError('UNREACHABLE', `${node} is cut off from ${from.join(', ')} by "lab node partition"`, {
    where: node,
    hint: `lab node heal ${node}, then: lab up`,
  })
}
