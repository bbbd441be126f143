import { accounts } from '../facts/accounts.ts'
import { checkAccountName, checkAccountNumber } from '../model/account-name.ts'
import { defineStep } from '../model/define-step.ts'

/** A group of accounts. */
export interface GroupOptions {
  /** What it is called. */
  readonly name: string
  /** Its number. @default the next one that is free */
  readonly gid?: number
  /** Its number, when it is made, is one of those for system groups. @default false */
  readonly system?: boolean
  /** There is no such group. One that is somebody's primary group cannot be removed. */
  readonly absent?: boolean
}

/**
 * A group of accounts. Who is in it is said with `user`.
 * @example group({ name: 'deployers', gid: 4000 })
 */
export const group = defineStep({
  kind: 'group',
  title: ({ name, absent }: GroupOptions) => `${absent === true ? 'no ' : ''}group ${name}`,
  validate({ name, gid }) {
    checkAccountName('group', name)
    if (gid !== undefined) checkAccountNumber('gid', gid)
  },
  facts: () => ({ accounts }),
  diff({ name, gid, absent }, { accounts: { groups } }) {
    const found = groups.get(name)
    if (absent === true) return found === undefined ? [] : [{ path: 'exists', from: 'yes', to: 'no' }]
    if (found === undefined) return [{ path: 'exists', from: 'no', to: 'yes' }]
    if (gid === undefined || found.gid === gid) return []
    return [{ path: 'gid', from: String(found.gid), to: String(gid) }]
  },
  apply({ name, gid, system, absent }, changes) {
    if (absent === true) return [{ argv: ['groupdel', '--', name] }]
    const number = gid === undefined ? [] : ['--gid', String(gid)]
    if (changes.some(({ path }) => path === 'gid')) return [{ argv: ['groupmod', ...number, '--', name] }]
    return [{ argv: ['groupadd', ...(system === true ? ['--system'] : []), ...number, '--', name] }]
  },
})
