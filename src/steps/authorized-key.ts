import { authorizedKeys, type KeyLine } from '../facts/authorized-keys.ts'
import { checkAccountName } from '../model/account-name.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change } from '../model/step.ts'
import { EDIT_FILE } from '../shell/edit-file.ts'

/** Public keys that may log in as somebody. */
export interface AuthorizedKeyOptions {
  /** An account that exists. */
  readonly user: string
  /** One or more lines as in ~/.ssh/authorized_keys: options, key and comment, or just the key. */
  readonly key: string | readonly string[]
  /** No other key may log in. @default false */
  readonly exclusive?: boolean
  /** These keys may not, whatever their options and comments. */
  readonly absent?: boolean
}

// Somebody may have put a link where root is about to write: nothing is written through one.
const APPLY = `set -eu
export LC_ALL=C
${EDIT_FILE}
user=$1 wish=$2; shift 2
home=$(getent passwd -- "$user" | cut -d: -f6)
group=$(id -g -- "$user")
directory=$home/.ssh
keys=$directory/authorized_keys
for path in "$directory" "$keys"; do
  [ ! -L "$path" ] || { echo "$path is a link" >&2; exit 1; }
done
[ -d "$directory" ] || (umask 077; mkdir -- "$directory")
chown -- "$user:$group" "$directory"
# With fewer digits, chmod would leave a directory its special bits.
chmod 00700 -- "$directory"
[ -e "$keys" ] || (umask 077; : >"$keys")
chown -- "$user:$group" "$keys"
chmod 0600 -- "$keys"
others() { printf '%s\\n' "$@" | grep -avF -f - -- "$keys" || true; }
comments() { grep -aE '^[[:space:]]*(#|$)' -- "$keys" || true; }
add() { others "$@"; cat; }
only() { comments; cat; }
case $wish in
  present) edit_file "$keys" add "$@" ;;
  exclusive) edit_file "$keys" only ;;
  absent) edit_file "$keys" others "$@" ;;
esac`

/**
 * Public keys that may log in as somebody; ~/.ssh gets the modes that sshd asks for. There has to be such a user.
 * @example authorizedKey({ user: 'root', key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGV4YW1wbGVleGFtcGxlZXhhbXBsZWV4YW1wbGVleGFt ada@laptop' })
 */
export const authorizedKey = defineStep({
  kind: 'authorized-key',
  title: (wanted: AuthorizedKeyOptions) => {
    const names = linesOf(wanted).map(nameOf)
    const only = wanted.exclusive === true ? 'only ' : ''
    const keys = `${only}${names.join(', ')}`
    return wanted.absent === true ? `${keys} may not log in as ${wanted.user}` : `${keys} may log in as ${wanted.user}`
  },
  validate(wanted) {
    checkAccountName('user', wanted.user)
    const keys = linesOf(wanted).map(({ key }) => key)
    if (keys.length === 0 && wanted.exclusive !== true) throw new UsageError(`${wanted.user}: name a key`)
    if (new Set(keys).size < keys.length) throw new UsageError(`${wanted.user}: the same key is given twice`)
    if (wanted.absent === true && wanted.exclusive === true) {
      throw new UsageError(`${wanted.user}: keys are either absent or the only ones`)
    }
  },
  facts: (wanted) => ({ found: authorizedKeys(wanted.user, linesOf(wanted)) }),
  diff(wanted, { found }) {
    const names = linesOf(wanted).map(({ key }) => `key ...${key.slice(-8)}`)
    const changes: Change[] = []
    const present = (index: number) => [...(found.equal[index] ?? []), ...(found.sameKey[index] ?? [])]
    if (wanted.absent === true) {
      return names.flatMap((path, index) => (present(index).length === 0 ? [] : [{ path, from: 'yes', to: 'no' }]))
    }
    compare(changes, '~/.ssh', found.directoryAccess, `700 ${wanted.user}`)
    compare(changes, 'authorized_keys', found.fileAccess, `600 ${wanted.user}`)
    for (const [index, path] of names.entries()) {
      const other = found.sameKey[index] ?? []
      if (present(index).length === 0) changes.push({ path, from: 'no', to: 'yes' })
      else if (other.length > 0) changes.push({ path, from: `otherwise in line ${other.join(', ')}`, to: 'as written' })
    }
    const others = found.keys.filter((line) => !names.some((_, index) => present(index).includes(line)))
    if (wanted.exclusive === true && others.length > 0) {
      changes.push({ path: 'other keys', from: String(others.length), to: '0' })
    }
    return changes
  },
  apply(wanted) {
    const lines = linesOf(wanted)
    const wish = wanted.absent === true ? 'absent' : wanted.exclusive === true ? 'exclusive' : 'present'
    return [
      {
        argv: ['sh', '-c', APPLY, 'authorized-key', wanted.user, wish, ...lines.map(({ key }) => key)],
        stdin: lines.map(({ line }) => `${line}\n`).join(''),
      },
    ]
  },
  selfContained: true,
})

/** Whose key it is, by its comment, or the end of it. */
function nameOf({ line, key }: KeyLine): string {
  const comment = line.slice(line.indexOf(key) + key.length).trim()
  return comment === '' ? `...${key.slice(-8)}` : comment
}

function compare(changes: Change[], path: string, from: string | undefined, to: string): void {
  if (from !== to) changes.push({ path, from, to })
}

const KEY = /(?:^|\s)((?:ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+ +([A-Za-z0-9+/]{32,}={0,2}))(?=\s|$)/

function linesOf({ user, key }: AuthorizedKeyOptions): readonly KeyLine[] {
  return (typeof key === 'string' ? [key] : key).map((text) => {
    const line = text.trim()
    const found = KEY.exec(line)?.[2]
    if (found === undefined || /[\n\r\0]/.test(line))
      throw new UsageError(
        `${user}: "${line.slice(0, 40)}..." is not a public key: write it as in a .pub file, like ssh-ed25519 AAAA...`,
      )
    return { line, key: found }
  })
}
