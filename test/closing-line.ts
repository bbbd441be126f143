import { relative, resolve } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const ROOT = resolve(import.meta.dirname, '..')

/**
 * Ends a run with one plain line of counts. Before it, what was skipped with the reason its title or note gives, and the
 * files in which something failed.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      // A file that could not be loaded or set up has no test of its own to fail.
      if (module.errors().length > 0) counts.failed++
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'pending') continue
        counts[result.state]++
        if (result.state === 'skipped') {
          console.log(`skipped: ${test.fullName}${result.note === undefined ? '' : ` (${result.note})`}`)
        }
      }
    }
    for (const module of modules)
      if (module.state() === 'failed') console.log(`failed in: ${relative(ROOT, module.moduleId)}`)
    console.log(`\n${String(counts.passed)} passed, ${String(counts.failed)} failed, ${String(counts.skipped)} skipped`)
  }
}
