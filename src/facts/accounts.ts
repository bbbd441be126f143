import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** An account of this machine. */
export interface Account {
  readonly uid: number
  /** Primary group. */
  readonly gid: number
  /** What finger(1) calls the full name. */
  readonly comment: string
  readonly home: string
  /** Whether the home is a directory. */
  readonly hasHome: boolean
  readonly shell: string
}

/** A group of this machine. */
export interface Group {
  readonly gid: number
  /** Those whose primary group it is are not among them. */
  readonly members: readonly string[]
}

/** Accounts and groups by name. */
export interface Accounts {
  readonly users: ReadonlyMap<string, Account>
  readonly groups: ReadonlyMap<string, Group>
}

/** Accounts and groups in /etc/passwd and /etc/group; no passwords. One question a host, however many steps ask. */
export const accounts: FactQuery<Accounts> = {
  key: 'accounts',
  script: `cat /etc/passwd || exit
echo ${SECTION}
cat /etc/group || exit
echo ${SECTION}
while IFS=: read -r name _ _ _ _ home _; do [ ! -d "$home" ] || printf '%s\\n' "$name"; done </etc/passwd`,
  parse({ status, stdout, stderr }) {
    if (status !== 0) throw new FactUnavailable(`cannot list accounts: ${stderr.trim()}`)
    const [users = [], groups = [], homes = []] = sections(stdout)
    const withHome = new Set(homes)
    return { users: new Map(users.map((line) => user(line, withHome))), groups: new Map(groups.map(group)) }
  },
}

function user(line: string, withHome: ReadonlySet<string>): [string, Account] {
  const [name = '', , uid, gid, comment = '', home = '', shell = ''] = line.split(':')
  return [name, { uid: Number(uid), gid: Number(gid), comment, home, hasHome: withHome.has(name), shell }]
}

function group(line: string): [string, Group] {
  const [name = '', , gid, members = ''] = line.split(':')
  return [name, { gid: Number(gid), members: members.split(',').filter(Boolean) }]
}

/** Name of the group with this number; undefined where no group has it. */
export function groupName({ groups }: Accounts, gid: number): string | undefined {
  return [...groups].find(([, group]) => group.gid === gid)?.[0]
}
