import fc from 'fast-check'
import { expect } from 'vitest'
import type { Step } from '../../src/model/step.ts'
import { quote } from '../../src/shell/quote.ts'
import type { UsedNode } from '../node-fixture.ts'
import { runSteps } from './play-runner.ts'

// Any state of a node, any wish: one apply, and what is there is what was wanted, by the step's own facts and by others'.

/** How many states each kind of step is tried from; LAB_RANDOM_RUNS=50 for a thorough search. */
export const RUNS = { numRuns: Number(process.env['LAB_RANDOM_RUNS'] ?? 4) }

/** Permission bits, also odd ones. */
export const mode = fc.constantFrom(0o600, 0o644, 0o755, 0o4711, 0)
/** Owners that a fresh node has, and one that has no name. */
export const owner = fc.constantFrom('root:root', 'daemon:adm', '4711:4711')
/** Text that a shell, or a reader of lines, may stumble over. */
export const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', "'", '$', '\\', 'é', ' '), maxLength: 12 })

/** Whatever but a directory can be at a path, as a script. `target` beside it is a directory. */
export function thingAt(path: string): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constant(':'),
    fc.tuple(text, mode, owner).map(([content, bits, who]) => {
      return `printf %s ${quote(content)} >${path}; chown ${who} ${path}; chmod ${bits.toString(8)} ${path}`
    }),
    fc.constantFrom('target', '/nowhere', '/etc/passwd').map((target) => `ln -s ${target} ${path}`),
    fc.constant(`mkfifo ${path}`),
  )
}

/** Applies a step to a state; a plan said before whether that changes anything, and nothing is left to do. */
export async function settle(node: UsedNode, state: string, step: Step): Promise<void> {
  await node.sh(state)
  const planned = await runSteps(node, [step], { mode: 'plan' })
  if (planned.summary.errors[0] !== undefined) throw planned.summary.errors[0]
  const applied = await runSteps(node, [step])
  if (applied.summary.errors[0] !== undefined) throw applied.summary.errors[0]
  expect(applied.changes).toEqual(planned.changes)
  expect((await runSteps(node, [step], { mode: 'plan' })).outcomes[0]).toMatch(/: ok$/)
}

/** Without the options that are undefined. */
export function only<T extends object>(options: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
