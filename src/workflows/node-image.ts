import type { Progress } from '../model/provider.ts'
import { engineAddress, openEngine } from '../providers/docker/engine.ts'
import { ensureHostEngine } from '../providers/docker/host-engine.ts'
import { checkEngine } from '../providers/docker/host-limits.ts'
import { ensureNodeImage } from '../providers/docker/node-image.ts'

/** Name of the image that nodes in containers are made from, for whoever makes them besides lab; made now if missing. */
export async function nodeImage(progress: Progress, signal: AbortSignal): Promise<string> {
  await ensureHostEngine(progress, signal)
  const engine = openEngine(await engineAddress())
  await checkEngine(engine)
  return ensureNodeImage(engine, progress, signal)
}
