import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What an engine answers. */
export interface Reply {
  readonly status: number
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

/** An engine that gives the answers of a test: for what a real one says rarely, or only among many nodes. */
export interface ScriptedEngine {
  /** A script or a word of one, with this engine's socket and process in the place of the node's. */
  readonly at: (script: string) => string
  close(): Promise<void>
}

/** Listens on a socket of its own. */
export async function startScriptedEngine(
  answer: (request: IncomingMessage) => Reply | Promise<Reply>,
): Promise<ScriptedEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-engine-'))
  const socket = join(directory, 'engine.sock')
  const pidFile = join(directory, 'engine.pid')
  await writeFile(pidFile, String(process.pid))
  const server = createServer((request, response) => {
    void Promise.resolve(answer(request)).then(({ status, body, headers }) =>
      response.writeHead(status, headers).end(JSON.stringify(body)),
    )
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    at: (script) => script.replaceAll('/run/docker.sock', socket).replaceAll('/run/docker.pid', pidFile),
    close: async () => {
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true })
    },
  }
}
