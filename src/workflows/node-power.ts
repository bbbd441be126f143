import { afterStart } from './after-start.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { withNodes, type NodeWork } from './with-nodes.ts'

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
  const work: NodeWork['work'] = async (machineOf) => {
    const stopped = names.filter((name) => machineOf(name).state !== 'running')
    await Promise.all(
      stopped.map((name) =>
        runTask(open.emit, `start ${name}`, () => open.provider.start(name, open.signal), { node: name }),
      ),
    )
    if (stopped.length > 0) await afterStart(open, stopped)
    return stopped.length === 0 ? `${names.join(', ')} ran already` : `started ${stopped.join(', ')}`
  }
  await withNodes(open, { verb: 'start', names, work })
}

async function powerOff(
  open: OpenLab,
  names: readonly string[],
  verb: 'stop' | 'kill',
  off: (name: string) => Promise<void>,
): Promise<void> {
  const work: NodeWork['work'] = async (machineOf) => {
    const running = names.filter((name) => machineOf(name).state === 'running')
    for (const name of running) {
      await open.disconnect(name)
      await runTask(open.emit, `${verb} ${name}`, () => off(name), { node: name })
    }
    if (running.length === 0) return `${names.join(', ')} did not run`
    const done = verb === 'stop' ? 'stopped' : 'killed'
    return `${done} ${running.join(', ')}; "lab node start ${running.join(' ')}" starts what is off again`
  }
  await withNodes(open, { verb, names, work })
}
