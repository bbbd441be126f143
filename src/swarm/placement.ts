import type { SwarmNode } from './nodes.ts'

/** True when a node may get new tasks at all and meets every constraint (`node.role==worker`, `node.labels.a!=b`). */
export function nodeFits(node: SwarmNode, constraints: readonly string[]): boolean {
  return constraints.every((constraint) => meets(node, constraint))
}

/** True when the scheduler gives new tasks to the node. */
export function takesTasks(node: SwarmNode): boolean {
  return node.state === 'ready' && node.availability === 'active'
}

/** The constraints that no node meets by themselves: why a task finds no place. */
export function unmetConstraints(nodes: readonly SwarmNode[], constraints: readonly string[]): readonly string[] {
  return constraints.filter((constraint) => !nodes.some((node) => takesTasks(node) && meets(node, constraint)))
}

function meets(node: SwarmNode, constraint: string): boolean {
  const match = /^\s*(.+?)\s*(==|!=)\s*(.*?)\s*$/.exec(constraint)
  const [, key = '', operator, wanted = ''] = match ?? []
  // What lab cannot read it leaves to the scheduler to judge.
  if (operator === undefined) return true
  // The scheduler compares without regard to case.
  const same = (attribute(node, key) ?? '').toLowerCase() === wanted.toLowerCase()
  return operator === '==' ? same : !same
}

function attribute(node: SwarmNode, key: string): string | undefined {
  const lower = key.toLowerCase()
  if (lower === 'node.id') return node.id
  if (lower === 'node.hostname') return node.name
  if (lower === 'node.role') return node.role
  if (lower === 'node.platform.os') return node.platform.os
  if (lower === 'node.platform.arch') return node.platform.architecture
  if (lower.startsWith('node.labels.')) return node.labels[key.slice('node.labels.'.length)]
  if (lower.startsWith('engine.labels.')) return node.engineLabels[key.slice('engine.labels.'.length)]
  return undefined
}
