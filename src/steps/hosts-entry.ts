import { isIP } from 'node:net'
import { hostsFile, type HostsLine } from '../facts/hosts-file.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { FactUnavailable, type Change } from '../model/step.ts'
import { EDIT_FILE } from '../shell/edit-file.ts'

/** Names in /etc/hosts. */
export type HostsEntryOptions = HostsEntryPresent | HostsEntryAbsent

/** Names that have an address. */
export interface HostsEntryPresent {
  /** IPv4 or IPv6. A name may have one of each: say so with two entries. */
  readonly address: string
  /** The first is the one that is told when the address is looked up. */
  readonly names: readonly string[]
  readonly absent?: false
}

/** Names that have none. */
export interface HostsEntryAbsent {
  readonly names: readonly string[]
  readonly absent: true
  /** Only with this address. @default with any */
  readonly address?: string
}

// Takes the names out of every line they must not stand in, then adds theirs. What else stands in those lines stays.
const APPLY = `set -eu
${EDIT_FILE}
wish=$1 address=$2 names=$3
rewrite() {
  awk -v wish="$wish" -v address="$address" -v names="$names" '
    BEGIN {
      count = split(names, list, " ")
      for (i = 1; i <= count; i++) wanted[list[i]] = 1
    }
    {
      comment = ""
      body = $0
      if (at = index(body, "#")) { comment = substr(body, at); body = substr(body, 1, at - 1) }
      fields = split(body, field, " ")
      concerned = wish == "absent" ? address == "" || field[1] == address : (field[1] ~ /:/) == (address ~ /:/)
      kept = field[1]
      hit = 0
      left = 0
      for (i = 2; i <= fields; i++) {
        if (concerned && field[i] in wanted) hit = 1
        else { kept = kept " " field[i]; left = 1 }
      }
      if (!hit) print
      else if (left) print kept (comment == "" ? "" : " " comment)
      else if (comment != "") print comment
    }
    END { if (wish == "present") print address " " names }
  ' /etc/hosts
}
edit_file /etc/hosts rewrite`

/**
 * Names in /etc/hosts: on a line of their own, and on no other line with an address of the same kind. On a node in a
 * container the engine writes that file anew at every start of it.
 * @example hostsEntry({ address: '192.0.2.10', names: ['db.example', 'db'] })
 * @example hostsEntry({ names: ['old.example'], absent: true })
 */
export const hostsEntry = defineStep({
  kind: 'hosts-entry',
  title: ({ address, names, absent }: HostsEntryOptions) =>
    absent === true ? `no address for ${names.join(', ')}` : `${names.join(', ')} at ${address}`,
  validate({ address, names }) {
    if (address !== undefined && isIP(address) === 0)
      throw new UsageError(`"${address}" is not an address: write 192.0.2.1 or 2001:db8::1`)
    if (names.length === 0) throw new UsageError(`${address ?? '/etc/hosts'}: name a name`)
    if (new Set(names).size < names.length) throw new UsageError(`${names.join(', ')}: a name is given twice`)
    for (const name of names) {
      if (/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(name)) continue
      throw new UsageError(`"${name}" is not a name for a host`)
    }
  },
  facts: () => ({ hosts: hostsFile }),
  diff(wanted, { hosts }, pending) {
    if (pending.has('/etc/hosts')) throw new FactUnavailable('/etc/hosts is about to change')
    const { names } = wanted
    const found = (name: string, lines: readonly HostsLine[]) =>
      lines.filter((line) => line.names.includes(name)).map(({ address }) => address)
    if (wanted.absent === true) {
      const lines = hosts.filter(({ address }) => wanted.address === undefined || wanted.address === address)
      return names.flatMap((name): Change[] => {
        const addresses = found(name, lines)
        return addresses.length === 0 ? [] : [{ path: name, from: addresses.join(', '), to: undefined }]
      })
    }
    const lines = hosts.filter(({ address }) => isIP(address) === isIP(wanted.address))
    const own = lines.filter((line) => isOwn(line, wanted))
    const changes = names.flatMap((name): Change[] => {
      const addresses = found(name, lines)
      if (addresses.length === 1 && addresses[0] === wanted.address) return []
      return [{ path: name, from: addresses.length === 0 ? undefined : addresses.join(', '), to: wanted.address }]
    })
    if (changes.length > 0 || own.length > 0) return changes
    return [{ path: wanted.address, from: 'with other names, or in another order', to: names.join(' ') }]
  },
  apply: ({ address, names, absent }) => [
    {
      argv: ['sh', '-c', APPLY, 'hosts', absent === true ? 'absent' : 'present', address ?? '', names.join(' ')],
    },
  ],
  selfContained: true,
  edits: true,
  files: () => ['/etc/hosts'],
})

function isOwn(line: HostsLine, { address, names }: HostsEntryPresent): boolean {
  return (
    line.address === address && line.names.length === names.length && names.every((name, i) => line.names[i] === name)
  )
}
