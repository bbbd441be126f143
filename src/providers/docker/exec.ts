import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'

/** dockerode's own splitter of a stream that carries standard output and error; it is not typed. */
interface Demultiplexer {
  demuxStream(stream: NodeJS.ReadableStream, stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream): void
}

/**
 * Runs a command in a node through the host's engine: the way in where SSH does not work yet. Input goes to its
 * standard input. Throws `NODE_COMMAND` with what it said when it fails.
 */
export async function runInNode(container: Docker.Container, argv: readonly string[], input: Buffer): Promise<void> {
  const exec = await container.exec({ Cmd: [...argv], AttachStdin: true, AttachStdout: true, AttachStderr: true })
  const stream = await exec.start({ hijack: true, stdin: true })
  const output = new PassThrough()
  const demux = container.modem as Demultiplexer
  demux.demuxStream(stream, output, output)
  const said = text(output)
  stream.end(input)
  await finished(stream, { writable: false })
  output.end()
  const { ExitCode } = await exec.inspect()
  if (ExitCode === 0) return
  throw new LabError('NODE_COMMAND', `"${argv.join(' ')}" ended with ${String(ExitCode)}: ${(await said).trim()}`, {
    where: container.id,
    hint: 'lab destroy, then lab up, makes the node anew',
  })
}
