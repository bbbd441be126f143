import { createHash } from 'node:crypto'
import { accounts, groupName, type Account, type Accounts } from '../facts/accounts.ts'
import { passwordDigest } from '../facts/password-digest.ts'
import { checkAccountName, checkAccountNumber } from '../model/account-name.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { Change } from '../model/step.ts'

/** An account, or none. */
export type UserOptions = UserPresent | UserAbsent

/** An account as it has to be. What is left out is left alone, or as useradd chooses. */
export interface UserPresent {
  /** Login name. */
  readonly name: string
  /** Its number. @default the next one that is free */
  readonly uid?: number
  /** Primary group, by name or number. @default a group of the same name, which is made */
  readonly group?: string | number
  /** Other groups, by name, that it is in. */
  readonly groups?: readonly string[]
  /** It is in no other than these `groups`. @default false */
  readonly exclusive?: boolean
  /** Full name, or what it is for. */
  readonly comment?: string
  /** Absolute path of the login shell. */
  readonly shell?: string
  /** Its home directory, made from /etc/skel (0700) where it is missing; nothing is moved. `false`: none is made. */
  readonly home?: string | false
  /** Its number, when it is made, is one of those for system accounts, and no home is made unless `home` says where. */
  readonly system?: boolean
  /** Hash of the password as in /etc/shadow (`mkpasswd`); `'!'` locks it. Secret: shown nowhere. */
  readonly passwordHash?: string
  readonly absent?: false
}

/** An account that must not be there. One with running processes cannot be removed. */
export interface UserAbsent {
  /** Login name. */
  readonly name: string
  readonly absent: true
  /** Removes its home with everything in it. @default false */
  readonly removeHome?: boolean
}

// Complete before it stands in its place: a run that was cut off leaves no half of a home.
const HOME = `set -eu
[ ! -d "$1" ] || exit 0
home=$1 owner=$2
parent=\${home%/*}
(umask 022; mkdir -p -- "$parent/")
draft=$parent/.\${home##*/}.lab-new
rm -rf -- "$draft"
(umask 077; mkdir -- "$draft")
[ ! -d /etc/skel ] || cp -R -- /etc/skel/. "$draft"
chmod 0700 -- "$draft"
chown -R -- "$owner" "$draft"
mv -T -- "$draft" "$home"`

// The home goes first: once the account is gone, nothing tells where it was.
const REMOVE_HOME = `set -eu
[ ! -e "$1" ] && [ ! -L "$1" ] || [ "$(stat -c %u -- "$1")" = "$2" ] || { echo "$1 belongs to somebody else" >&2; exit 1; }
rm -rf --one-file-system -- "$1"`

/**
 * An account of the machine, with its groups, home and password.
 * @example user({ name: 'deploy', groups: ['adm'], shell: '/bin/bash', comment: 'Deployments' })
 * @example user({ name: 'deploy', absent: true, removeHome: true })
 */
export const user = defineStep({
  kind: 'user',
  title: ({ name, absent }: UserOptions) => `${absent === true ? 'no ' : ''}user ${name}`,
  validate,
  facts: (wanted) => ({
    accounts,
    ...(wanted.absent === true || wanted.passwordHash === undefined ? {} : { password: passwordDigest(wanted.name) }),
  }),
  diff(wanted, { accounts, password }) {
    const found = accounts.users.get(wanted.name)
    if (wanted.absent === true) return found === undefined ? [] : [{ path: 'exists', from: 'yes', to: 'no' }]
    const { passwordHash } = wanted
    const differs = passwordHash !== undefined && password !== sha256(passwordHash)
    const secret = differs ? [{ path: 'password', from: password === undefined ? undefined : '***', to: '***' }] : []
    if (found === undefined) return [{ path: 'exists', from: 'no', to: 'yes' }, ...secret]
    return [...attributes(wanted, found, accounts), ...secret]
  },
  apply(wanted, changes, { accounts }) {
    const { name } = wanted
    const found = accounts.users.get(name)
    if (wanted.absent === true) {
      const removal: Command = { argv: ['userdel', '--', name] }
      return wanted.removeHome === true && found !== undefined ? [removeHome(name, found), removal] : [removal]
    }
    const changing = new Set(changes.map(({ path }) => path))
    const commands: Command[] = []
    if (found === undefined) {
      const group = wanted.group ?? (accounts.groups.has(name) ? name : undefined)
      const primary = group === undefined ? ['--user-group'] : ['--gid', String(group)]
      const system = wanted.system === true ? ['--system'] : []
      const rest = options(wanted, accounts, () => true)
      commands.push({ argv: ['useradd', '--no-create-home', ...system, ...primary, ...rest, '--', name] })
    } else {
      // Cut off before it wrote the groups, useradd leaves an account whose group has a number only.
      if (changing.has('group') && wanted.group === undefined) {
        commands.push({ argv: ['groupadd', '--gid', String(found.gid), '--', name] })
      }
      const group = changing.has('group') && wanted.group !== undefined ? ['--gid', String(wanted.group)] : []
      const modified = [...group, ...options(wanted, accounts, (path) => changing.has(path))]
      if (modified.length > 0) commands.push({ argv: ['usermod', ...modified, '--', name] })
    }
    if (changing.has('password')) commands.push(setPassword(wanted))
    const home = homeOf(wanted, found)
    if (home !== undefined) commands.push({ argv: ['sh', '-c', HOME, 'home', home, `${name}:`] })
    return commands
  },
})

function validate(wanted: UserOptions): void {
  const { name } = wanted
  checkAccountName('user', name)
  if (wanted.absent === true) return
  if (wanted.uid !== undefined) checkAccountNumber('uid', wanted.uid)
  if (typeof wanted.group === 'number') checkAccountNumber('gid', wanted.group)
  const groups = [...(typeof wanted.group === 'string' ? [wanted.group] : []), ...(wanted.groups ?? [])]
  for (const group of groups) checkAccountName('group', group)
  if (wanted.shell !== undefined) checkNodePath(wanted.shell)
  if (typeof wanted.home === 'string') checkNodePath(wanted.home)
  if (/[:\n\0]/.test(wanted.comment ?? '')) throw new UsageError(`${name}: a comment is one line without a colon`)
  if (!/^[!*$A-Za-z0-9./=,_-]+$/.test(wanted.passwordHash ?? '!')) {
    throw new UsageError(`${name}: that is not the hash of a password; make one with mkpasswd`)
  }
}

/** What of an account that is there differs. */
function attributes(wanted: UserPresent, found: Account, known: Accounts): Change[] {
  const { name, uid, group, shell, comment, home } = wanted
  const changes: Change[] = []
  const compare = (path: string, from: string | undefined, to: string | undefined) => {
    if (to !== undefined && from !== to) changes.push({ path, from, to })
  }
  const primary = groupName(known, found.gid)
  compare('uid', String(found.uid), uid === undefined ? undefined : String(uid))
  if (typeof group === 'number') compare('group', String(found.gid), String(group))
  else compare('group', primary ?? String(found.gid), group ?? (primary === undefined ? name : undefined))
  if (wanted.groups !== undefined || wanted.exclusive === true) {
    compare('groups', groupsOf(name, known).join(','), wantedGroups(wanted, known).join(','))
  }
  compare('comment', found.comment, comment)
  compare('shell', found.shell, shell)
  if (typeof home === 'string') compare('home', found.home, home)
  const directory = homeOf(wanted, found)
  if (directory === found.home && !found.hasHome) compare('home directory', undefined, directory)
  return changes
}

/** Arguments of useradd and usermod for what is to be set. */
function options(wanted: UserPresent, known: Accounts, due: (path: string) => boolean): string[] {
  const { name, uid, comment, shell } = wanted
  const option = (path: string, flag: string, value: string | undefined) =>
    value !== undefined && due(path) ? [flag, value] : []
  const groups = wanted.groups === undefined && wanted.exclusive !== true ? undefined : wantedGroups(wanted, known)
  const home = wanted.home ?? (known.users.has(name) ? undefined : homeOf(wanted, undefined))
  return [
    ...option('uid', '--uid', uid === undefined ? undefined : String(uid)),
    ...option('groups', '--groups', groups?.join(',')),
    ...option('comment', '--comment', comment),
    ...option('shell', '--shell', shell),
    ...option('home', '--home', typeof home === 'string' ? home : undefined),
  ]
}

function groupsOf(name: string, { groups }: Accounts): readonly string[] {
  return [...groups].flatMap(([group, { members }]) => (members.includes(name) ? [group] : [])).sort()
}

function wantedGroups({ name, groups = [], exclusive }: UserPresent, known: Accounts): readonly string[] {
  return [...new Set([...groups, ...(exclusive === true ? [] : groupsOf(name, known))])].sort()
}

/** The home that has to be there; undefined where none has. What belongs to the system often has none. */
function homeOf({ name, home, system }: UserPresent, found: Account | undefined): string | undefined {
  if (home !== undefined) return home === false ? undefined : home
  if (found === undefined) return system === true ? undefined : `/home/${name}`
  return found.uid >= 1000 && found.home !== '/nonexistent' ? found.home : undefined
}

function removeHome(name: string, { home, uid }: Account): Command {
  if (home.split('/').filter(Boolean).length < 2) {
    throw new UsageError(`the home of ${name}, ${home}, is too near the root to be removed with all that is in it`)
  }
  return { argv: ['sh', '-c', REMOVE_HOME, 'home', home, String(uid)] }
}

function setPassword({ name, passwordHash = '' }: UserPresent): Command {
  // What is as short as "!" is no secret, and would be struck out of every message.
  const secrets = passwordHash.length >= 8 ? { secrets: [passwordHash] } : {}
  return { argv: ['chpasswd', '--encrypted'], stdin: `${name}:${passwordHash}\n`, ...secrets }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
