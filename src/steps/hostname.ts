import { hostName } from '../facts/host-name.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change } from '../model/step.ts'
import { EDIT_FILE } from '../shell/edit-file.ts'

/** Name of a machine. */
export interface HostnameOptions {
  /** Labels of a-z, 0-9 and -, with dots between them; at most 64 characters. */
  readonly name: string
}

const KEEP = `set -eu
${EDIT_FILE}
[ -e /etc/hostname ] || (umask 022; : >/etc/hostname)
edit_file /etc/hostname printf '%s\\n' "$1"`

/**
 * Name of the machine, now and after every boot. Where names are looked up is another matter: see `hostsEntry`. On a node
 * in a container, the engine writes the node's own name again at every start of it.
 * @example hostname({ name: 'web1.example' })
 */
export const hostname = defineStep({
  kind: 'hostname',
  title: ({ name }: HostnameOptions) => `host name ${name}`,
  validate({ name }) {
    const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
    if (name.length <= 64 && name.split('.').every((part) => part.length <= 63 && label.test(part))) return
    throw new UsageError(`"${name}" is not the name of a machine: use a-z, 0-9, - and dots, at most 64 characters`)
  },
  facts: () => ({ found: hostName }),
  diff({ name }, { found: { live, kept } }) {
    const changes: Change[] = []
    if (live !== name) changes.push({ path: 'live', from: live, to: name })
    if (kept !== name) changes.push({ path: '/etc/hostname', from: kept === '' ? undefined : kept, to: name })
    return changes
  },
  apply({ name }, changes) {
    const due = (path: string) => changes.some((change) => change.path === path)
    return [
      ...(due('/etc/hostname') ? [{ argv: ['sh', '-c', KEEP, 'hostname', name] }] : []),
      ...(due('live') ? [{ argv: ['hostname', '--', name] }] : []),
    ]
  },
  edits: true,
  files: () => ['/etc/hostname'],
})
