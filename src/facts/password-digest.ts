import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'

/** SHA-256 of an account's password hash, which itself stays on the node; undefined where the account has none on record. */
export function passwordDigest(user: string): FactQuery<string | undefined> {
  return {
    key: `password:${user}`,
    script: `[ -r /etc/shadow ] || exit
user=${quote(user)}
grep -q "^$user:" /etc/shadow || exit 0
grep "^$user:" /etc/shadow | cut -d: -f2 | tr -d '\\n' | sha256sum`,
    parse({ status, stdout }) {
      if (status !== 0) throw new FactUnavailable('cannot read /etc/shadow')
      return stdout === '' ? undefined : stdout.slice(0, 64)
    },
  }
}
