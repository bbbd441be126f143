import { LabError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import type { Machine } from '../model/provider.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'

/** What a command did to nodes, in words. */
export interface NodeWork {
  /** As it is typed behind `lab node`. */
  readonly verb: string
  readonly names: readonly string[]
  /** Answers with what to say in the end. */
  readonly work: (machineOf: (name: string) => Machine) => Promise<string>
}

/** Checks the names, then works under the lab's lock and says what was done. Throws `MISSING` for nodes that are not there. */
export async function withNodes(open: OpenLab, { verb, names, work }: NodeWork): Promise<void> {
  const started = performance.now()
  checkNodeNames(open, names)
  await withLock(open.lab.stateDirectory, `node ${verb}`, async () => {
    const machines = new Map((await open.machines()).map((machine) => [machine.name, machine]))
    const missing = names.filter((name) => !machines.has(name))
    if (missing.length > 0) {
      throw new LabError('MISSING', `${missing.join(', ')} does not exist`, { where: missing[0], hint: 'lab up' })
    }
    const message = await work((name) => {
      const machine = machines.get(name)
      if (machine === undefined)
        throw new LabError('MISSING', `${name} does not exist`, { where: name, hint: 'lab up' })
      return machine
    })
    open.refresh()
    open.emit({ type: 'done', command: `node ${verb}`, message, durationMs: Math.round(performance.now() - started) })
  })
}

/** Throws a `UsageError` for what is no node of lab.yml. */
export function checkNodeNames(open: Pick<OpenLab, 'spec'>, names: readonly string[]): void {
  const known = open.spec.nodes.map((node) => node.name)
  for (const name of names) if (!known.includes(name)) throw unknownName('node', name, known)
}
