import { createHash } from 'node:crypto'
import { checkoutState, remoteRevision, UNFINISHED } from '../facts/git.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden } from '../model/hidden-values.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { Change, Step } from '../model/step.ts'
import { hasCredentials, withoutCredentials } from '../model/url-credentials.ts'

/** A working tree of a git repository, at one revision. */
export interface GitCheckoutOptions {
  /** URL or path that the node can read from without being asked for anything; no password in it. */
  readonly repository: string
  /** The directory. It belongs to root, and to this step. */
  readonly path: string
  /** A branch, a tag, or a full commit id. Only for the last of them the repository need not be asked every time. */
  readonly revision: string
  /** Changes made in the directory by hand are thrown away, instead of being an error. @default false */
  readonly discard?: boolean
  /** Longest that fetching may take, in milliseconds. @default 1800000 */
  readonly timeoutMs?: number
  /** Steps that put the repository there: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

// A run that is killed half-way leaves a mark: what is dirty then is nobody's work. A lock of git's that is there now was
// left by such a run as well.
const CHECK_OUT = `set -eu
repository=$1 path=$2 revision=$3 commit=$4 discard=$5
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=10'
umask 022
git() { command git -c safe.directory='*' -c advice.detachedHead=false "$@"; }
fetch() { git fetch -q --force --tags origin '+refs/heads/*:refs/remotes/origin/*'; }
has() { git cat-file -e "$commit^{commit}" 2>/dev/null; }
if [ ! -d "$path/.git" ]; then
  parent=\${path%/*}
  new=$parent/.\${path##*/}.lab-new
  [ -d "$parent/" ] || mkdir -p -- "$parent"
  rm -rf --one-file-system -- "$new"
  git init -q -- "$new"
  : >"$new/.git/${UNFINISHED}"
  [ ! -d "$path" ] || rmdir -- "$path"
  mv -T -- "$new" "$path"
fi
cd -- "$path"
rm -f -- .git/*.lock .git/refs/remotes/origin/*.lock
git config remote.origin.url "$repository"
git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
has || fetch
has || git fetch -q origin "$commit"
has || { echo "$repository has no commit $commit" >&2; exit 1; }
if [ ! -e .git/${UNFINISHED} ] && [ "$discard" = no ]; then
  changed=$(git status --porcelain --ignore-submodules | head -n 20)
  [ -z "$changed" ] || { printf 'changed by hand meanwhile:\\n%s\\n' "$changed" >&2; exit 1; }
fi
: >.git/${UNFINISHED}
git checkout -q --force --detach "$commit"
git reset -q --hard "$commit"
git clean -qffd
rm -f -- .git/${UNFINISHED}`

/**
 * A working tree of a git repository at a branch, a tag or a commit, with a detached HEAD; submodules are left out. What
 * was changed in it by hand (files that are ignored do not count) is never lost unless `discard` says so: a plan names it,
 * and applying is an error. git has to be on the node.
 * @example gitCheckout({ repository: '/srv/app.git', path: '/opt/app', revision: 'main' })
 * @throws USAGE: the repository has a password in its URL: keep it in git's credential store (`/root/.git-credentials`).
 * @throws FACT_UNAVAILABLE: git is not there, the repository does not answer, or has no such branch or tag.
 * @throws LOCAL_CHANGES: the directory was changed by hand.
 * @throws FOREIGN_DIRECTORY: the directory holds things and is no working tree; they are left alone.
 */
export const gitCheckout = defineStep({
  kind: 'git-checkout',
  title: (wanted: GitCheckoutOptions) => `check out ${wanted.revision} to ${wanted.path}`,
  validate({ repository, path, revision }) {
    checkNodePath(path)
    if (path.split('/').length < 3) throw new UsageError(`${path} is too near the root to be a working tree`)
    if (!/^[A-Za-z0-9_][\w./+@-]*$/.test(revision) || revision.includes('..')) {
      throw new UsageError(`"${revision}" is not a branch, a tag or a commit`)
    }
    if (hasCredentials(repository) || holdsHidden(repository)) {
      throw new UsageError(`${path}: the URL of its repository has a password or a token in it, which all could read`, {
        hint: "write it to /root/.git-credentials with a secret file, and set git's credential.helper to store",
      })
    }
    // `ext::` would run a command.
    if (!/^[!-~]+$/.test(repository) || /^-|::/.test(repository)) {
      throw new UsageError(`"${withoutCredentials(repository)}" is not a repository`)
    }
  },
  facts: ({ path, repository, revision }) => ({
    tree: checkoutState(path),
    commit: remoteRevision(repository, revision),
  }),
  diff(wanted, { tree, commit }) {
    const short = (id: string) => (id === '' ? undefined : id.slice(0, 12))
    if (tree.type === 'other') return [{ path: 'type', from: 'no working tree', to: 'working tree' }]
    if (tree.type !== 'checkout') return [{ path: 'commit', from: undefined, to: short(commit) }]
    const changes: Change[] = []
    if (tree.origin !== wanted.repository) {
      changes.push({ path: 'repository', from: tree.origin, to: wanted.repository })
    }
    if (tree.commit !== commit) changes.push({ path: 'commit', from: short(tree.commit), to: short(commit) })
    if (tree.unfinished) changes.push({ path: 'checkout', from: 'unfinished', to: 'finished' })
    else if (tree.dirty.length > 0) {
      changes.push({ path: 'local changes', from: tree.dirty.map((line) => line.trim()).join(', '), to: undefined })
    }
    return changes
  },
  apply(wanted, changes, { commit }) {
    const { repository, path, revision } = wanted
    if (changes.some((change) => change.path === 'type')) {
      throw new LabError('FOREIGN_DIRECTORY', `${path} holds what came from no repository, and is left alone`, {
        hint: 'move it away, or check out to a directory of its own',
      })
    }
    const edited = changes.find((change) => change.path === 'local changes')
    if (edited !== undefined && wanted.discard !== true) {
      throw new LabError('LOCAL_CHANGES', `${path} was changed by hand: ${edited.from ?? ''}`, {
        hint: 'commit them elsewhere, undo them, or say discard: true to throw them away',
      })
    }
    const discard = wanted.discard === true ? 'yes' : 'no'
    return [
      {
        argv: ['sh', '-c', CHECK_OUT, 'git', repository, path, revision, commit, discard],
        unit: `lab-git-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`,
        timeoutMs: wanted.timeoutMs ?? 1_800_000,
      },
    ]
  },
  after: ({ after }) => after ?? [],
})
