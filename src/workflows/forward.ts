import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { LabError } from '../model/errors.ts'
import { openProbe, probeCommand } from '../overlay/probe.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices, serviceNamed } from '../swarm/services.ts'
import { isServing, listTasks, type TaskView } from '../swarm/tasks.ts'
import type { OpenLab } from './open-lab.ts'

/** What to open on this host. */
export interface ForwardOptions {
  readonly service: string
  /** Port in the service's containers. */
  readonly port: number
  /** Wished port here; absent, the same one or, where that cannot be had, any that is free. */
  readonly localPort?: number | undefined
}

/** A task that connections can go to. */
export interface ForwardTarget {
  readonly node: string
  readonly address: string
}

/**
 * Opens a port on this host's loopback that leads to a service's containers, until the lab's signal is aborted. Each
 * connection goes to the next of the tasks that serve at that moment. `ready` gets the port that was opened.
 */
export async function forward(lab: OpenLab, options: ForwardOptions, ready: (port: number) => void): Promise<void> {
  const { engine } = await lab.manager()
  const service = serviceNamed(await listServices(engine, lab.signal), options.service)
  const targets = async () => forwardTargets(await listTasks(engine, [service.id], await listNodes(engine), lab.signal))
  requireTarget(await targets(), service.name)

  let turn = 0
  const server = createServer((socket) => {
    const connected = async () => {
      const found = await targets()
      const target = requireTarget(found, service.name, turn++)
      await connectTo(lab, target, options.port, socket)
    }
    connected().catch((error: unknown) => {
      socket.destroy()
      if (lab.signal.aborted) return
      const message = `a connection to ${service.name} failed: ${error instanceof Error ? error.message : String(error)}`
      lab.emit({ type: 'notice', level: 'warning', message })
    })
  })
  ready(await listen(server, options))
  const close = () => server.close()
  lab.signal.addEventListener('abort', close)
  if (lab.signal.aborted) close()
  await once(server, 'close')
}

/** Pure: tasks that serve and have an address on the lab's overlay, in a fixed order. */
export function forwardTargets(tasks: readonly TaskView[]): readonly ForwardTarget[] {
  return tasks
    .filter(isServing)
    .flatMap(({ node, address }) => (node === undefined || address === undefined ? [] : [{ node, address }]))
    .sort((a, b) => (a.address < b.address ? -1 : 1))
}

function requireTarget(targets: readonly ForwardTarget[], service: string, turn = 0): ForwardTarget {
  const target = targets[turn % Math.max(1, targets.length)]
  if (target !== undefined) return target
  throw new LabError('NO_TASK', `no task of ${service} runs on the lab's network`, { hint: 'lab status' })
}

/** Passes bytes through the probe of the task's node: the node itself does not reach the overlay. */
async function connectTo(lab: OpenLab, target: ForwardTarget, port: number, socket: Socket): Promise<void> {
  const connection = await lab.connect(target.node)
  const probe = await openProbe(connection, lab.signal)
  const remote = await connection.spawn(probeCommand(probe, ['busybox', 'nc', target.address, String(port)]), {
    signal: lab.signal,
  })
  let complaint = ''
  remote.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  // Either side may go first; what matters is that the other one is told, and how the far end ended.
  const passed = Promise.allSettled([pipeline(socket, remote.stdin), pipeline(remote.stdout, socket)])
  const status = await remote.exit
  if (status !== 0 && complaint !== '') throw new LabError('REFUSED', complaint.trim(), { where: target.node })
  await passed
}

async function listen(server: Server, { port, localPort }: ForwardOptions): Promise<number> {
  const tries = localPort === undefined ? [port, 0] : [localPort]
  for (const [index, wished] of tries.entries()) {
    try {
      server.listen(wished, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : wished
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (index + 1 < tries.length && (code === 'EADDRINUSE' || code === 'EACCES')) continue
      throw new LabError('PORT_TAKEN', `127.0.0.1:${String(wished)} cannot be opened: ${(error as Error).message}`, {
        hint: 'choose another with --local, or leave it out for one that is free',
        cause: error,
      })
    }
  }
  throw new LabError('PORT_TAKEN', 'no port could be opened on 127.0.0.1')
}
