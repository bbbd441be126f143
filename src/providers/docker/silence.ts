import type Docker from 'dockerode'
import type { Silence } from '../../model/provider.ts'
import { unlessStatus } from './engine.ts'

/** What the engine knows of a node that does not answer; undefined when its container does not run. */
export async function explainSilence(container: Docker.Container, node: string): Promise<Silence | undefined> {
  const found = await unlessStatus(container.inspect(), 404)
  const state = found?.State
  if (state?.Running !== true) return undefined
  const name = found?.Name.slice(1) ?? node
  const runningMs = Date.now() - Date.parse(state.StartedAt)
  if (state.Paused) return { runningMs, reason: 'its container is paused', hint: `lab node heal ${node}, then: lab up` }
  return {
    runningMs,
    hint: `docker exec ${name} systemctl status ssh (shows why), or docker restart ${name} (boots it anew), then: lab up`,
  }
}
