import { createHash } from 'node:crypto'
import { accessChanges, checkMode, checkOwner, octal, type Owner } from '../facts/ownership.ts'
import { pathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import { hasCredentials, withoutCredentials } from '../model/url-credentials.ts'

/** A file from a URL, told by what is in it. */
export interface DownloadOptions {
  /** `http://` or `https://`, without a password: it is an argument that other processes of the node can read. */
  readonly url: string
  /** Where the file goes on the node; missing parents are made (0755). */
  readonly path: string
  /** SHA-256 of the content, in hex: a file that has it is not fetched again, wherever it came from. */
  readonly sha256: string
  /** @default 0o644 */
  readonly mode?: number
  /** `user`, `user:group`. @default root:root */
  readonly owner?: Owner
  /** Longest the fetching may take, in milliseconds. @default 1800000 */
  readonly timeoutMs?: number
}

// No program for this is on every machine: curl, wget and busybox go on where a cut-off run left the file; apt's own
// helper, which every Debian machine has, starts anew unless its earlier run could still note the time of the file.
const FETCH = `set -eu
url=$1 path=$2 sha=$3 owner=$4 mode=$5
directory=\${path%/*}/
[ -d "$directory" ] || (umask 022; mkdir -p -- "$directory")
[ ! -d "$path" ] || [ -L "$path" ] || { echo "$path is a directory" >&2; exit 1; }
part=$directory.\${path##*/}.lab-part
digest() { sha256sum <"$part" | cut -c1-64; }
size() { stat -c %s -- "$part" 2>/dev/null || echo 0; }
whole() { [ -f "$part" ] && [ "$(digest)" = "$sha" ]; }
fetch() {
  if command -v curl >/dev/null; then
    curl -gfsSL --connect-timeout 30 --speed-limit 1 --speed-time 60 -C - -o "$part" -- "$url"
  elif command -v wget >/dev/null; then wget -q -c -T 60 -O "$part" -- "$url"
  elif [ -x /usr/lib/apt/apt-helper ]; then
    /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=0 download-file "$url" "$part"
  elif command -v busybox >/dev/null; then busybox wget -q -c -T 60 -O "$part" -- "$url"
  else echo 'nothing here can fetch: install curl' >&2; return 69; fi
}
umask 077
until whole; do
  before=$(size)
  if fetch; then
    whole && break
    found=$(digest)
    rm -f -- "$part"
    [ "$before" != 0 ] || { echo "$url has the SHA-256 $found, not $sha" >&2; exit 1; }
    echo 'what an earlier run left was of something else: from the beginning' >&2
  else
    status=$?
    [ "$(size)" -le "$before" ] || continue
    case $status in
      8 | 22 | 33 | 36) [ "$before" != 0 ] || exit "$status"; rm -f -- "$part" ;;
      *) exit "$status" ;;
    esac
  fi
done
chown -- "$owner" "$part"
chmod -- "$mode" "$part"
mv -fT -- "$part" "$path"`

const ACCESS = `set -eu
chown -- "$2" "$1"
chmod -- "$3" "$1"`

/**
 * A file from a URL. It is fetched beside its place (`.<name>.lab-part`), gone on with where a cut-off run left it,
 * checked, and then put in place in one step. Fetching needs curl or wget on the node; without them apt's own helper
 * does it, which every Debian machine has, but goes on with a cut-off file only where it could end properly.
 * @example
 * download({
 *   url: 'http://127.0.0.1:8000/tool',
 *   path: '/usr/local/bin/tool',
 *   sha256: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
 *   mode: 0o755,
 * })
 * @throws USAGE: the URL has a password in it, or the checksum is none.
 * @throws STEP_FAILED: the server refuses, is not there, or has something with another checksum.
 */
export const download = defineStep({
  kind: 'download',
  title: (wanted: DownloadOptions) => `download ${wanted.path}`,
  validate({ url, path, sha256, mode, owner }) {
    checkNodePath(path)
    checkOwner(owner ?? 'root')
    checkMode(mode ?? 0o644)
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new UsageError(`${path}: "${sha256}" is no SHA-256: 64 digits of 0-9a-f`)
    if (hasCredentials(url) || holdsHidden(url)) {
      throw new UsageError(`${path}: its URL has a password or a token in it, which all could read`)
    }
    if (!/^https?:\/\/[!-~]+$/.test(url) || !URL.canParse(url)) {
      throw new UsageError(`${path}: "${withoutCredentials(url)}" is not a http:// or https:// URL`)
    }
  },
  facts: ({ path }) => ({ at: pathState(path) }),
  diff(wanted, { at }) {
    const short = (digest: string) => `sha256:${digest.slice(0, 12)}`
    if (at.type === 'absent') return [{ path: 'content', from: undefined, to: short(wanted.sha256) }]
    if (at.type !== 'file') return [{ path: 'type', from: at.type, to: 'file' }]
    const found = at.digest ?? ''
    const content = found === wanted.sha256 ? [] : [{ path: 'content', from: short(found), to: short(wanted.sha256) }]
    return [...content, ...accessChanges(at, wanted.mode ?? 0o644, wanted.owner ?? 'root:root')]
  },
  apply(wanted, changes) {
    const { url, path, sha256 } = wanted
    const access = [wanted.owner ?? 'root:root', octal(wanted.mode ?? 0o644)]
    if (!changes.some((change) => change.path === 'content' || change.path === 'type')) {
      return [{ argv: ['sh', '-c', ACCESS, 'access', path, ...access] }]
    }
    const unit = `lab-download-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`
    const argv = ['sh', '-c', FETCH, 'download', url, path, sha256, ...access]
    return [{ argv, unit, timeoutMs: wanted.timeoutMs ?? 1_800_000 }]
  },
  files: ({ path }) => [path],
  selfContained: true,
})
