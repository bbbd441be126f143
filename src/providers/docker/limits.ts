import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import type { MachineLimits } from '../../model/provider.ts'

/** What a node's container may use of the host; undefined where it has no limit. */
export async function readLimits(engine: Docker, container: Docker.Container): Promise<MachineLimits> {
  const { HostConfig } = await container.inspect()
  const { Memory: memory = 0, NanoCpus: nanoCpus = 0 } = HostConfig
  return effectiveLimits(engine, { memoryBytes: memory || undefined, cpus: nanoCpus / 1e9 || undefined })
}

/** What limits come to: as much as there is, or more, is none. The engine takes a limit away from no container. */
export async function effectiveLimits(engine: Docker, { memoryBytes, cpus }: MachineLimits): Promise<MachineLimits> {
  const whole = await hostSize(engine)
  return {
    memoryBytes: memoryBytes !== undefined && memoryBytes >= whole.memoryBytes ? undefined : memoryBytes,
    cpus: cpus !== undefined && cpus >= whole.cpus ? undefined : cpus,
  }
}

/** Gives a node's container other limits, while it runs or for when it does. Throws `LIMITS` where the engine refuses. */
export async function applyLimits(
  engine: Docker,
  container: Docker.Container,
  name: string,
  limits: MachineLimits,
): Promise<void> {
  const [before, whole] = await Promise.all([readLimits(engine, container), hostSize(engine)])
  const memory = limits.memoryBytes ?? whole.memoryBytes
  const options = {
    ...(limits.memoryBytes === before.memoryBytes ? {} : { Memory: memory, MemorySwap: memory }),
    ...(limits.cpus === before.cpus ? {} : { NanoCpus: Math.round((limits.cpus ?? whole.cpus) * 1e9) }),
  }
  try {
    await container.update(options)
  } catch (error) {
    throw new LabError('LIMITS', `${name} does not get the limits of lab.yml: ${engineMessage(error)}`, {
      where: name,
      hint: 'lab status shows what it uses; scale its apps down or stop it (lab node stop), then lab up',
      cause: error,
    })
  }
}

/** Memory that a running node cannot give back: what the kernel keeps of files is not among it. */
export async function usedMemory(container: Docker.Container): Promise<number> {
  // One look: the engine would take a second one for the share of the processor.
  const options: { readonly stream: false } = Object.assign({ stream: false as const }, { 'one-shot': true })
  const { memory_stats } = await container.stats(options)
  // Nothing is said of one that does not run.
  const memory: Partial<typeof memory_stats> = memory_stats
  const kept = memory.stats as Readonly<Record<string, number | undefined>> | undefined
  // cgroup v1 and v2 have other words for it.
  return (memory.usage ?? 0) - (kept?.['total_inactive_file'] ?? kept?.['inactive_file'] ?? 0)
}

async function hostSize(engine: Docker): Promise<{ readonly memoryBytes: number; readonly cpus: number }> {
  const { MemTotal, NCPU } = (await engine.info()) as { readonly MemTotal: number; readonly NCPU: number }
  return { memoryBytes: MemTotal, cpus: NCPU }
}
