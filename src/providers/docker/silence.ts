import type Docker from 'dockerode'
import type { Silence } from '../../model/provider.ts'
import { unlessStatus } from './engine.ts'

/** What the engine knows of a node that does not answer; undefined when its container does not run. */
export async function explainSilence(container: Docker.Container, name: string): Promise<Silence | undefined> {
  const state = (await unlessStatus(container.inspect(), 404))?.State
  if (state?.Running !== true) return undefined
  const runningMs = Date.now() - Date.parse(state.StartedAt)
  if (state.Paused)
    return { runningMs, reason: 'its container is paused', hint: `docker unpause ${name}, then: lab up` }
  return {
    runningMs,
    hint: `docker exec ${name} systemctl status ssh (shows why), or docker restart ${name} (boots it anew), then: lab up`,
  }
}
