import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pullKey } from '../apps/image-names.ts'
import type { RegistryContent } from '../apps/registry-garbage.ts'
import { LabError } from '../model/errors.ts'
import type { Garbage, RemovableGarbage } from '../model/garbage.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { oldRecords } from '../reporters/run-record.ts'
import { withoutDeploys } from './image-locks.ts'
import type { OpenLab } from './open-lab.ts'
import { cachePart, digestsInUse, imagesPart, registryPart } from './prune-nodes.ts'
import { notUp } from './site.ts'
import { runTask } from './task.ts'

/** What to remove. */
export interface PruneOptions {
  /** Says only what would be removed. */
  readonly check: boolean
  /**
   * Also what may still be of use: the whole build cache, images pushed by hand, all records of runs but the last, and, with
   * `host`, what labs built for their apps that are gone by now.
   */
  readonly all: boolean
  /** Images that lab made on this host, for this lab and others, too. */
  readonly host: boolean
  /** Asked before anything is removed, with all there is. */
  readonly agree: (garbage: readonly Garbage[]) => Promise<boolean>
}

/** Time for a node to answer. */
const CONNECT_MS = 15_000
/** Records of runs that stay. */
const RUNS = 20

/**
 * Removes what piles up: images that nothing runs or may go back to, in the registry, on nodes and on this host; old build
 * cache; old records of runs. Returns whether there was any. Refused while an app is deployed, and deploys are meanwhile.
 */
export async function prune(lab: OpenLab, options: PruneOptions): Promise<boolean> {
  const started = performance.now()
  const told = (parts: readonly Garbage[], check: boolean) => {
    const listed = parts.map(({ place, kind, items, bytes }) => ({ place, kind, items: [...items].sort(), bytes }))
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    lab.emit({ type: 'pruned', check, parts: listed, bytes, durationMs: Math.round(performance.now() - started) })
  }
  return withoutDeploys(lab, async () => {
    const garbage = await runTask(lab.emit, 'look for what nothing needs', () => findGarbage(lab, options))
    if (options.check || garbage.length === 0) {
      told(garbage, options.check)
      return garbage.length > 0
    }
    if (!(await options.agree(garbage))) return true
    const removed: Garbage[] = []
    for (const part of garbage) {
      lab.signal.throwIfAborted()
      const bytes = await runTask(lab.emit, `remove ${part.kind}`, () => part.remove(), { node: part.place })
      removed.push({ ...part, bytes })
    }
    told(removed, false)
    return true
  })
}

async function findGarbage(lab: OpenLab, { all, host }: PruneOptions): Promise<readonly RemovableGarbage[]> {
  const machines = await lab.machines()
  const nodes = lab.spec.nodes.filter(({ name }) => machines.some((machine) => machine.name === name))
  if (nodes.length === 0) throw notUp(lab.lab.name)
  const reachable: string[] = []
  for (const { name } of nodes) {
    try {
      // A node that is only slow must not keep the registry from being looked at.
      await lab.connect(name, { deadlineMs: CONNECT_MS })
      reachable.push(name)
    } catch (error) {
      if (!(error instanceof LabError) || error.code !== 'UNREACHABLE') throw error
      lab.emit({ type: 'notice', level: 'warning', message: `${name} was left as it is: ${error.message}` })
    }
  }
  const used = await digestsInUse(lab, reachable)
  const [keeper] = nodesWithRole(lab.spec, 'registry')
  const builders = nodesWithRole(lab.spec, 'build').map(({ name }) => name)
  // What a node that does not answer runs by hand, nobody can tell: then the registry keeps everything.
  const registry =
    keeper !== undefined && reachable.length === nodes.length
      ? await registryPart(lab, keeper.name, used, all)
      : undefined
  const parts: RemovableGarbage[] = await Promise.all([
    ...reachable.map((node) => imagesPart(lab, node, used)),
    ...reachable.filter((node) => builders.includes(node)).map((node) => cachePart(lab, node, all)),
    ...(host && registry !== undefined && lab.provider.garbage !== undefined
      ? [lab.provider.garbage({ needed: neededKeys(registry.content, used), ofAnyLab: all })]
      : []),
  ])
  const known = [...(registry === undefined ? [] : [registry.garbage]), ...parts, recordsPart(lab, all)]
  return known.filter(({ items, bytes }) => items.length > 0 || bytes > 0)
}

/** Keys under which the host keeps images that the lab runs: what is built is tagged by its own. */
function neededKeys({ manifests }: RegistryContent, used: ReadonlySet<string>): ReadonlySet<string> {
  const running = manifests.filter(({ digest }) => used.has(digest))
  return new Set(
    running.flatMap(({ repository, tags }) => tags.flatMap((tag) => [tag, pullKey(`${repository}:${tag}`)])),
  )
}

function recordsPart(lab: OpenLab, all: boolean): RemovableGarbage {
  const old = oldRecords(join(lab.lab.stateDirectory, 'runs'), { runs: all ? 1 : RUNS })
  const bytes = old.reduce((sum, each) => sum + each.bytes, 0)
  return {
    place: 'this host',
    kind: 'records of runs',
    items: old.map(({ name }) => name),
    bytes,
    remove: () => {
      for (const { path } of old) rmSync(path, { force: true })
      return Promise.resolve(bytes)
    },
  }
}
