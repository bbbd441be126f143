import { FactUnavailable, type FactQuery } from '../model/step.ts'

/** A line of /etc/hosts that says something. */
export interface HostsLine {
  readonly address: string
  readonly names: readonly string[]
}

/** What /etc/hosts says, line by line. */
export const hostsFile: FactQuery<readonly HostsLine[]> = {
  key: 'hosts-file',
  script: 'cat /etc/hosts',
  parse({ status, stdout, stderr }) {
    if (status !== 0) throw new FactUnavailable(`cannot read /etc/hosts: ${stderr.trim()}`)
    return stdout.split('\n').flatMap((line) => {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
      return address === '' ? [] : [{ address, names }]
    })
  },
}
