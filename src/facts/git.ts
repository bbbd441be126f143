import { FactUnavailable, type FactOutput, type FactQuery } from '../model/step.ts'
import { quote, quoteAll } from '../shell/quote.ts'

/** A working tree of git's, as it is. */
export interface CheckoutState {
  /** `other`: something that is no working tree. */
  readonly type: 'absent' | 'empty' | 'checkout' | 'other'
  /** Commit it is at; empty before the first. */
  readonly commit: string
  /** URL of `origin`. */
  readonly origin: string
  /** True when lab began to write into it and did not come to an end. */
  readonly unfinished: boolean
  /** Paths that differ from the commit or that git does not know, as `git status` shows them; at most 20. */
  readonly dirty: readonly string[]
}

const NO_GIT = 69

/** File in `.git` that is there while lab changes the working tree. */
export const UNFINISHED = 'lab-unfinished'

const HAVE_GIT = `command -v git >/dev/null || exit ${String(NO_GIT)}
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=10'`

/** State of the working tree at a path. git would note in its index what it looked at; it is told not to. */
export function checkoutState(path: string): FactQuery<CheckoutState> {
  return {
    key: `checkout ${path}`,
    script: `${HAVE_GIT}
p=${quote(path)}
if [ -d "$p/.git" ]; then
  git() { command git -c safe.directory="$p" -C "$p" "$@"; }
  printf 'checkout\\n%s\\n%s\\n' "$(git rev-parse -q --verify HEAD)" "$(git config --get remote.origin.url)"
  if [ -e "$p/.git/${UNFINISHED}" ]; then echo unfinished; else echo finished; fi
  git -c core.quotePath=false status --porcelain --untracked-files=normal --ignore-submodules | head -n 20
elif [ -d "$p" ] && [ -z "$(find "$p/" -mindepth 1 -print -quit)" ]; then echo empty
elif [ -e "$p" ] || [ -L "$p" ]; then echo other
else echo absent; fi`,
    parse(output) {
      const [type = '', commit = '', origin = '', finished, ...dirty] = linesOf(output)
      return {
        type: type as CheckoutState['type'],
        commit,
        origin,
        unfinished: finished === 'unfinished',
        dirty: dirty.filter((line) => line !== ''),
      }
    },
  }
}

/**
 * The commit that a branch, tag or full commit id means in a repository. The repository is asked over the network for
 * the first two.
 */
export function remoteRevision(repository: string, revision: string): FactQuery<string> {
  const key = `revision ${revision} of ${repository}`
  if (isCommit(revision)) return { key, script: ':', parse: () => revision }
  const names = [`refs/heads/${revision}`, `refs/tags/${revision}`, `refs/tags/${revision}^{}`]
  return {
    key,
    script: `${HAVE_GIT}
exec timeout 30 git ls-remote -- ${quoteAll([repository, ...names])}`,
    parse(output) {
      const found = new Map(linesOf(output).map((line) => [line.slice(41), line.slice(0, 40)]))
      // A tag with a message is an object of its own; ^{} is what it stands for.
      const commit = [names[2], names[1], names[0]].map((name) => found.get(name ?? '')).find(Boolean)
      if (commit === undefined) throw new FactUnavailable(`${repository} has no branch and no tag "${revision}"`)
      return commit
    },
  }
}

/** Whether a revision is the full id of a commit, which means the same for ever. */
function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision)
}

function linesOf({ status, stdout, stderr }: FactOutput): readonly string[] {
  if (status === NO_GIT) throw new FactUnavailable('git is not installed: a step before it is to install it')
  if (status === 124) throw new FactUnavailable('the repository did not answer within 30 s')
  if (status !== 0) throw new FactUnavailable(`git does not answer: ${stderr.trim()}`)
  return stdout.split('\n')
}
