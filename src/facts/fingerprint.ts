import { createHash } from 'node:crypto'
import type { PathState } from './path.ts'

/** Shell function `fingerprints PATH...`: a line `<fingerprint> <path>` each, equal to what {@link fingerprint} makes. */
export const FINGERPRINTS = `fingerprints() {
  for p do
    if [ -L "$p" ]; then printf '>%s %s\\n' "$(readlink -- "$p" | sha256sum | cut -c1-64)" "$p"
    elif [ -f "$p" ]; then printf '%s %s\\n' "$(sha256sum <"$p" | cut -c1-64)" "$p"
    elif [ -e "$p" ]; then printf '%s %s\\n' other "$p"
    else printf '%s %s\\n' absent "$p"; fi
  done
}`

/** What stands for the content of a path in a unit's stamp: one word. */
export function fingerprint(state: PathState): string {
  if (state.type === 'symlink') return `>${sha256(`${state.target ?? ''}\n`)}`
  if (state.type === 'file') return state.digest ?? 'unreadable'
  return state.type === 'absent' ? 'absent' : 'other'
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
