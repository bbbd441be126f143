import type { MachineState } from '../../model/provider.ts'

const STATES: Readonly<Record<string, MachineState>> = {
  running: 'running',
  // Neither is gone: a paused node goes on where it was, and may still hold what it held.
  paused: 'running',
  restarting: 'running',
  exited: 'stopped',
  dead: 'stopped',
  // Never started: it may lack its keys, and is made anew.
  created: 'missing',
  removing: 'missing',
}

/** State of a machine, by the engine's word for that of its container. */
export function machineState(word: string): MachineState {
  return STATES[word] ?? 'stopped'
}
