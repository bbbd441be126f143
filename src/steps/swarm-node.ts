import { swarmNodes, type ListedNode } from '../facts/swarm-nodes.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { checkName, LABELS } from '../model/names.ts'
import type { Change, Step } from '../model/step.ts'

/** How the swarm lists one node; changed on a manager. */
export interface SwarmNodeOptions {
  /** Its host name. */
  readonly name: string
  /** Values by label; `lab.role.` labels that are not named are removed, others are left alone. */
  readonly labels: Readonly<Record<string, string>>
  /** Steps that make the node a member: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

// A node that has just joined is listed a moment later, and only then can be labelled.
const AWAIT_AND_UPDATE = `node=$1; shift
tries=100
until docker node inspect "$node" >/dev/null 2>&1; do
  [ $((tries -= 1)) -gt 0 ] || { echo "$node is not in the swarm" >&2; exit 1; }
  sleep 0.1
done
exec docker node update "$@" "$node"`

/** Labels under this prefix are the lab's to take away; others may be a user's own. */
const ROLE_LABEL = 'lab.role.'

/**
 * A node as the swarm lists it: once, taking tasks (unless `lab node drain` drained it), with its labels. A node that came back under a new identity leaves
 * an old entry behind, which goes.
 * @example swarmNode({ name: 'node1', labels: { 'lab.role.worker': 'true', rack: 'a' } })
 * @throws FACT_UNAVAILABLE: the engine does not run, or the node is not a manager.
 * @throws STEP_FAILED: the node does not turn up in the list within 10 s.
 */
export const swarmNode = defineStep({
  kind: 'swarm-node',
  title: (wanted: SwarmNodeOptions) => `${wanted.name} in the swarm's list, with its labels`,
  validate: ({ name }) => checkName('node', name),
  facts: () => ({ nodes: swarmNodes }),
  diff(wanted, { nodes }) {
    const [current, ...stale] = entries(wanted.name, nodes)
    if (current === undefined) return [{ path: 'listed', from: undefined, to: wanted.name }]
    const changes: Change[] = stale.map(({ id, state }) => ({ path: `entry ${id}`, from: state, to: undefined }))
    // Drained by hand, it stays so: see `lab node drain`.
    const availability = LABELS.drained in current.labels ? 'drain' : 'active'
    if (current.availability !== availability) {
      changes.push({ path: 'availability', from: current.availability, to: availability })
    }
    for (const [key, value] of Object.entries(wanted.labels)) {
      if (current.labels[key] !== value) changes.push({ path: `label ${key}`, from: current.labels[key], to: value })
    }
    for (const [key, value] of Object.entries(current.labels)) {
      if (!key.startsWith(ROLE_LABEL) || key in wanted.labels) continue
      changes.push({ path: `label ${key}`, from: value, to: undefined })
    }
    return changes
  },
  apply(wanted, changes, { nodes }) {
    const [current, ...stale] = entries(wanted.name, nodes)
    if (current === undefined)
      return [{ argv: ['sh', '-c', AWAIT_AND_UPDATE, 'update', wanted.name, ...added(wanted)] }]
    const commands = stale.map(removeEntry)
    const options = changes.flatMap(({ path, to }) => {
      if (path === 'availability') return ['--availability', to ?? 'active']
      const label = /^label (.*)$/.exec(path)?.[1]
      if (label === undefined) return []
      return to === undefined ? ['--label-rm', label] : ['--label-add', `${label}=${to}`]
    })
    if (options.length > 0) commands.push({ argv: ['docker', 'node', 'update', ...options, current.id] })
    return commands
  },
  // The list has all nodes in it, but what is done for one never touches what another one's step looks at.
  selfContained: true,
  after: ({ after }) => after ?? [],
})

/** Entries of a name, the newest first: the others are earlier lives of the same machine. */
function entries(name: string, nodes: readonly ListedNode[]): readonly ListedNode[] {
  return nodes
    .filter(({ hostname }) => hostname === name)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
}

function removeEntry({ id, role }: ListedNode): Command {
  if (role === 'worker') return { argv: ['docker', 'node', 'rm', '--force', id] }
  // One that a recovered majority has forgotten cannot be demoted; what still counts is refused by rm itself.
  return { argv: ['sh', '-c', 'docker node demote "$1"; docker node rm --force "$1"', 'remove', id] }
}

function added({ labels }: SwarmNodeOptions): readonly string[] {
  return Object.entries(labels).flatMap(([key, value]) => ['--label-add', `${key}=${value}`])
}
