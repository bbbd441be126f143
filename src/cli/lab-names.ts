import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { targetNames, withGroups } from '../model/node-names.ts'
import type { NameSource } from './completion.ts'

/** Longest a key press waits for the lab to answer. */
const PATIENCE_MS = 1500

/**
 * Names of the lab of a directory, for completion: nodes and apps from its files, services and volumes from the lab
 * itself. Without a lab, or when it does not answer in time, there are none: completion is no place for errors.
 */
export function labNames(cwd: string, signal: AbortSignal): NameSource {
  return async (kind) => {
    try {
      const { loadLab } = await import('../config/load.ts')
      const { lab, spec } = await loadLab(cwd)
      if (kind === 'node') return spec.nodes.map(({ name }) => name)
      if (kind === 'target') return targetNames(withGroups(spec.nodes, spec.groups))
      if (kind === 'run') {
        const { pastRuns } = await import('../reporters/past-runs.ts')
        return pastRuns(join(lab.stateDirectory, 'runs')).map(({ number }) => String(number))
      }
      if (kind === 'app') return await appNames(lab.directory)
      const { openLab } = await import('../workflows/open-lab.ts')
      const { runningNames } = await import('../workflows/names.ts')
      const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
      const open = await openLab({ lab, spec, emit: () => undefined, signal: patience })
      try {
        if (kind === 'saved') return ((await open.provider.snapshots?.list()) ?? []).map(({ name }) => name)
        return (await runningNames(open))[kind]
      } finally {
        await open.close()
      }
    } catch {
      return []
    }
  }
}

async function appNames(directory: string): Promise<readonly string[]> {
  const entries = await readdir(join(directory, 'apps'), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}
