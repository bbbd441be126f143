import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Longest a test file waits: for one before it whose process has not ended yet. */
const WAIT_MS = 120_000

/** Labs of which a process has one for itself for as long as it lives. */
export interface LabLeases {
  /** Where `leaseLab` asks. */
  readonly socket: string
  close(): Promise<void>
}

/**
 * Hands out labs, each to one process at a time: a lease is a connection, which ends with its process however that ends.
 * Vitest's own numbers of what runs at a time are no substitute: two files had the same one after a project whose workers
 * are shared.
 */
export async function openLabLeases(directories: readonly string[]): Promise<LabLeases> {
  const place = await mkdtemp(join(tmpdir(), 'lab-leases-'))
  const free = [...directories]
  const waiting: Socket[] = []
  const serve = () => {
    for (let next = waiting[0]; next !== undefined && free.length > 0; next = waiting[0]) {
      waiting.shift()
      if (next.destroyed) continue
      const directory = free.shift() ?? ''
      next.once('close', () => {
        free.push(directory)
        serve()
      })
      next.write(directory)
    }
  }
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .resume()
      .unref()
    waiting.push(socket)
    serve()
  })
  const socket = join(place, 'socket')
  server.listen(socket)
  await once(server, 'listening')
  // Left open by a test file that hangs, they are no reason for Vitest to stay.
  server.unref()
  return {
    socket,
    close: async () => {
      server.close()
      await rm(place, { recursive: true })
    },
  }
}

/** The directory of a lab that is this process's own until it ends. Throws when none gets free in time. */
export async function leaseLab(socket: string): Promise<string> {
  const lease = connect(socket)
  const [directory] = (await once(lease, 'data', { signal: AbortSignal.timeout(WAIT_MS) })) as [Buffer]
  // Kept open, and no reason for the process to stay.
  lease.unref()
  return directory.toString()
}
