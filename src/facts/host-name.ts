import type { FactQuery } from '../model/step.ts'

/** What a machine is called: now, and after its next boot. */
export interface HostName {
  readonly live: string
  /** First word of /etc/hostname; empty where there is none. */
  readonly kept: string
}

/** Name of the machine, as the kernel and as /etc/hostname have it. */
export const hostName: FactQuery<HostName> = {
  key: 'host-name',
  script: `uname -n || exit
[ ! -r /etc/hostname ] || grep -v '^#' /etc/hostname
exit 0`,
  parse({ status, stdout, stderr }) {
    if (status !== 0) throw new Error(`uname: ${stderr.trim()}`)
    const [live = '', kept = ''] = stdout.split('\n')
    return { live: live.trim(), kept: kept.trim() }
  },
}
