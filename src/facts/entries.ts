import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'

/**
 * Everything in a directory, by its path from there; what is in a directory comes behind it. Other filesystems in it are
 * not entered. Empty where there is no directory.
 */
export function entries(path: string): FactQuery<readonly string[]> {
  return {
    key: `entries:${path}`,
    script: `top=${quote(path)}
[ -d "$top" ] && [ ! -L "$top" ] || exit 0
find "$top" -xdev -mindepth 1 -printf '%P\\0'`,
    parse({ status, stdout, stderr }) {
      if (status !== 0) throw new FactUnavailable(`cannot look at what is in ${path}: ${stderr.trim()}`)
      const found = stdout.split('\0').filter(Boolean)
      const odd = found.find((name) => name.includes('\ufffd'))
      if (odd !== undefined) throw new Error(`${path}/${odd} has a name that is not UTF-8; rename it by hand`)
      return found.sort()
    },
  }
}
