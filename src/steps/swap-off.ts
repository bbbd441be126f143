import { swapState } from '../facts/swap-state.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change } from '../model/step.ts'
import { EDIT_FILE } from '../shell/edit-file.ts'

/** No swap: there is nothing to choose. */
export type SwapOffOptions = Readonly<Record<string, never>>

const KEEP_OFF = `set -eu
${EDIT_FILE}
rewrite() { awk '$1 !~ /^#/ && $3 == "swap" { print "# swap is off: " $0; next } { print }' /etc/fstab; }
edit_file /etc/fstab rewrite
systemctl daemon-reload`

/**
 * No swap, now and after every boot: lines of /etc/fstab about it become comments. A node in a container has no swap of its
 * own; what its host has in use is left alone.
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
    const own = isContainer ? [] : active
    return [
      ...own.map((device) => ({ path: device, from: 'in use', to: 'off' })),
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
