import { engineMessage } from '../model/engine-error.ts'
import type { OpenLab } from './open-lab.ts'

const LINES = 20

/** The last lines a container wrote, from its own node's engine; why they cannot be had, where they cannot. */
export async function lastLogLines(lab: OpenLab, node: string, containerId: string): Promise<string> {
  try {
    const container = (await lab.engine(node)).getContainer(containerId)
    const options = { stdout: true, stderr: true, tail: LINES, follow: false as const }
    const [{ Config }, output] = await Promise.all([container.inspect(), container.logs(options)])
    return (Config.Tty ? output.toString() : joinFrames(output)).trimEnd()
  } catch (error) {
    lab.signal.throwIfAborted()
    return `(${node} does not give them: ${engineMessage(error)})`
  }
}

/** Pure: what an engine sends for a container without a terminal: frames of 8 bytes' head (stream, length) and text. */
export function joinFrames(output: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= output.length;) {
    const end = at + 8 + output.readUInt32BE(at + 4)
    parts.push(output.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(parts).toString()
}
