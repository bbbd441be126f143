import { LabError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import type { MachineState } from '../model/provider.ts'
import { withLock } from './lock.ts'
import { afterStart } from './after-start.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Shuts nodes down cleanly, one by one: what runs on them starts elsewhere where it can. */
export async function stopNodes(open: OpenLab, names: readonly string[]): Promise<void> {
  await powerOff(open, names, 'stop', (name) => open.provider.stop(name))
}

/** Cuts the power of nodes, as if their plugs were pulled. */
export async function killNodes(open: OpenLab, names: readonly string[]): Promise<void> {
  await powerOff(open, names, 'kill', (name) => open.provider.kill(name))
}

/** Starts nodes that were stopped or killed, and waits until what belongs on them is back. */
export async function startNodes(open: OpenLab, names: readonly string[]): Promise<void> {
  await withNodes(open, 'start', names, async (stateOf) => {
    const stopped = names.filter((name) => stateOf(name) !== 'running')
    await Promise.all(
      stopped.map((name) =>
        runTask(open.emit, `start ${name}`, () => open.provider.start(name, open.signal), { node: name }),
      ),
    )
    if (stopped.length > 0) await afterStart(open, stopped)
    return stopped.length === 0 ? `${names.join(', ')} ran already` : `started ${stopped.join(', ')}`
  })
}

async function powerOff(
  open: OpenLab,
  names: readonly string[],
  verb: 'stop' | 'kill',
  off: (name: string) => Promise<void>,
): Promise<void> {
  await withNodes(open, verb, names, async (stateOf) => {
    const running = names.filter((name) => stateOf(name) === 'running')
    for (const name of running) {
      await open.disconnect(name)
      await runTask(open.emit, `${verb} ${name}`, () => off(name), { node: name })
    }
    if (running.length === 0) return `${names.join(', ')} did not run`
    const done = verb === 'stop' ? 'stopped' : 'killed'
    return `${done} ${running.join(', ')}; "lab node start ${running.join(' ')}" starts what is off again`
  })
}

/** Checks the names, then works under the lab's lock and says what was done. */
async function withNodes(
  open: OpenLab,
  verb: string,
  names: readonly string[],
  work: (stateOf: (name: string) => MachineState) => Promise<string>,
): Promise<void> {
  const started = performance.now()
  const known = open.spec.nodes.map((node) => node.name)
  for (const name of names) if (!known.includes(name)) throw unknownName('node', name, known)
  await withLock(open.lab.stateDirectory, `node ${verb}`, async () => {
    const machines = await open.machines()
    const stateOf = (name: string) => machines.find((machine) => machine.name === name)?.state ?? 'missing'
    const missing = names.filter((name) => stateOf(name) === 'missing')
    if (missing.length > 0) {
      throw new LabError('MISSING', `${missing.join(', ')} does not exist`, { where: missing[0], hint: 'lab up' })
    }
    const message = await work(stateOf)
    open.refresh()
    open.emit({ type: 'done', command: `node ${verb}`, message, durationMs: Math.round(performance.now() - started) })
  })
}
