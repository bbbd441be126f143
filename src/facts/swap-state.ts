import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** Swap of a machine. */
export interface SwapState {
  /** Devices and files in use. */
  readonly active: readonly string[]
  /** Lines of /etc/fstab that bring it back at the next boot. */
  readonly fstab: readonly number[]
  /** The machine is a container: its kernel, and with it the swap, is its host's. */
  readonly isContainer: boolean
}

/** Swap that is in use, and what would bring it back. */
export const swapState: FactQuery<SwapState> = {
  key: 'swap',
  script: `tail -n +2 /proc/swaps || exit
echo ${SECTION}
[ ! -r /etc/fstab ] || awk '$1 !~ /^#/ && $3 == "swap" { print NR }' /etc/fstab
echo ${SECTION}
systemd-detect-virt --container --quiet && echo container
exit 0`,
  parse({ status, stdout, stderr }) {
    if (status !== 0) throw new FactUnavailable(`cannot read /proc/swaps: ${stderr.trim()}`)
    const [swaps = [], fstab = [], container = []] = sections(stdout)
    return {
      active: swaps.map((line) => line.split(/\s+/)[0] ?? ''),
      fstab: fstab.map(Number),
      isContainer: container.length > 0,
    }
  },
}
