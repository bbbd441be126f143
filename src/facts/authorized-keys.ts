import { createHash } from 'node:crypto'
import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** What is known of the keys that may log in as somebody. */
export interface AuthorizedKeys {
  /** `<mode> <user>` of ~/.ssh and of the file in it; undefined where there is none. */
  readonly directoryAccess: string | undefined
  readonly fileAccess: string | undefined
  /** The numbers of the lines that are exactly the wanted one, by the wanted lines' order. */
  readonly equal: readonly (readonly number[])[]
  /** Lines that hold the same key, with other options or another comment. */
  readonly sameKey: readonly (readonly number[])[]
  /** All lines that hold a key. */
  readonly keys: readonly number[]
}

/** A key as it stands in a line of an authorized_keys file: the line, and the part that is the key itself. */
export interface KeyLine {
  readonly line: string
  readonly key: string
}

const NO_USER = 3

/** How the file with a user's keys differs from lines that are wanted. `FactUnavailable` where there is no such user. */
export function authorizedKeys(user: string, wanted: readonly KeyLine[]): FactQuery<AuthorizedKeys> {
  const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16)
  const find = (text: string, how: string) =>
    `printf '%s\\n' ${quote(text)} | grep -a${how}F -f - -- "$file" 2>/dev/null | cut -d: -f1\necho ${SECTION}`
  return {
    key: `authorized-keys:${user}:${digest}`,
    script: `export LC_ALL=C
home=$(grep ${quote(`^${user}:`)} /etc/passwd | cut -d: -f6)
[ -n "$home" ] || exit ${String(NO_USER)}
file=$home/.ssh/authorized_keys
stat -c '%a %U' -- "$home/.ssh" 2>/dev/null; echo ${SECTION}
stat -c '%a %U' -- "$file" 2>/dev/null; echo ${SECTION}
grep -anvE '^[[:space:]]*(#|$)' -- "$file" 2>/dev/null | cut -d: -f1; echo ${SECTION}
${wanted.map(({ line, key }) => `${find(line, 'nx')}\n${find(key, 'n')}`).join('\n')}`,
    parse({ status, stdout, stderr }) {
      if (status === NO_USER) throw new FactUnavailable(`there is no user ${user}`)
      if (status !== 0) throw new Error(`looking at the keys of ${user} ended with ${String(status)}: ${stderr.trim()}`)
      const parts = sections(stdout)
      const numbers = (index: number) => (parts[index] ?? []).map(Number)
      const equal = wanted.map((_, index) => numbers(3 + 2 * index))
      return {
        directoryAccess: parts[0]?.[0],
        fileAccess: parts[1]?.[0],
        keys: numbers(2),
        equal,
        sameKey: wanted.map((_, index) =>
          numbers(4 + 2 * index).filter((line) => equal[index]?.includes(line) !== true),
        ),
      }
    },
  }
}
