import { swapState } from '../facts/swap-state.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { FactUnavailable, type Change } from '../model/step.ts'
import { EDIT_FILE } from '../shell/edit-file.ts'

/** No swap: there is nothing to choose. */
export type SwapOffOptions = Readonly<Record<string, never>>

const KEEP_OFF = `set -eu
${EDIT_FILE}
rewrite() { awk '$1 !~ /^#/ && $3 == "swap" { print "# swap is off: " $0; next } { print }' /etc/fstab; }
edit_file /etc/fstab rewrite
systemctl daemon-reload`

/**
 * No swap, now and after every boot: lines of /etc/fstab about it become comments. A container cannot turn off the swap of
 * its host: with some in use there, this is an error on a node in a container.
 * @example swapOff({})
 */
export const swapOff = defineStep({
  kind: 'swap-off',
  title: () => 'swap off',
  validate(wanted: SwapOffOptions) {
    if (Object.keys(wanted).length > 0) throw new UsageError('swapOff has no options')
  },
  facts: () => ({ swap: swapState }),
  diff(_, { swap: { active, fstab, isContainer } }): readonly Change[] {
    if (isContainer && active.length > 0) {
      throw new FactUnavailable(`the swap in use (${active.join(', ')}) is its host's; turn it off there`)
    }
    return [
      ...active.map((device) => ({ path: device, from: 'in use', to: 'off' })),
      ...(fstab.length === 0
        ? []
        : [{ path: '/etc/fstab', from: `line ${fstab.map(String).join(', ')}`, to: 'off at the next boot' }]),
    ]
  },
  apply: (_, changes) => [
    // What would bring it back goes first.
    ...(changes.some(({ path }) => path === '/etc/fstab') ? [{ argv: ['sh', '-c', KEEP_OFF] }] : []),
    ...(changes.some(({ to }) => to === 'off') ? [{ argv: ['swapoff', '--all'], timeoutMs: 600_000 }] : []),
  ],
  edits: true,
  files: () => ['/etc/fstab'],
})
