import { connect } from 'node:net'
import type { MachineState } from '../../model/provider.ts'

/** Longest a machine that runs may take to accept a connection of a host it shares a wire with, in milliseconds. */
const ACCEPT_MS = 500

/** Pure: states by machine, from `vagrant status --machine-readable`. */
export function parseStatus(text: string): ReadonlyMap<string, MachineState> {
  const states = new Map<string, MachineState>()
  for (const line of text.split('\n')) {
    const [, machine = '', key, state = ''] = line.trim().split(',')
    if (key === 'state' && machine !== '') states.set(machine, machineState(state))
  }
  return states
}

/** Whether something accepts connections there: a machine whose SSH server does runs, and Vagrant need not be asked. */
export async function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ACCEPT_MS })
    const end = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

/** What providers call a machine without power. */
const OFF: ReadonlySet<string> = new Set(['poweroff', 'aborted', 'saved', 'shutoff', 'crashed', 'inactive', 'stopped'])

/** Whatever is not known to be off may go on, and still hold what it held: one that is paused, for one. */
function machineState(state: string): MachineState {
  if (state === 'not_created') return 'missing'
  return OFF.has(state) ? 'stopped' : 'running'
}
