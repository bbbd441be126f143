import { findProduct } from '../config/product.ts'
import { runPlays, type RunSummary } from '../executor/run-plays.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { loadPlaybook } from './playbook-file.ts'

/** Which playbook to run, how, and where. */
export interface RunPlaybookOptions {
  /** Absolute path of a TypeScript or JavaScript module. */
  readonly file: string
  /** Change nothing, show what would change. */
  readonly check: boolean
  readonly diff: boolean
  readonly limit?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
}

/** Runs a playbook of the user's own on the lab's nodes, as `up` runs the site's. */
export async function runPlaybook(open: OpenLab, options: RunPlaybookOptions): Promise<RunSummary> {
  const loaded = await loadPlaybook(options.file, findProduct())
  try {
    const run = () => runLoaded(open, loaded.playbook, options)
    return options.check ? await run() : await withLock(open.lab.stateDirectory, 'run', run)
  } finally {
    await loaded.dispose()
  }
}

async function runLoaded(
  open: OpenLab,
  playbook: Awaited<ReturnType<typeof loadPlaybook>>['playbook'],
  { check, diff, limit, tags }: RunPlaybookOptions,
): Promise<RunSummary> {
  const site = await open.site()
  const summary = await runPlays({
    plays: typeof playbook.plays === 'function' ? playbook.plays(site) : playbook.plays,
    nodes: site.nodes,
    connect: (node) => open.connect(node),
    mode: check ? 'plan' : 'apply',
    diff,
    limit,
    tags,
    emit: open.emit,
    signal: open.signal,
  })
  const { hosts, changed, failed, durationMs } = summary
  open.emit({ type: 'recap', hosts, changed, failed, durationMs })
  return summary
}
