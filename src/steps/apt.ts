import { installedPackages } from '../facts/packages.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change } from '../model/step.ts'

/** Debian packages. */
export interface AptOptions {
  /** Names; `name=version`, or the two apart, asks for exactly that version, be it newer or older than what is there. */
  readonly packages: readonly (string | AptPackage)[]
  /** Removed (with their configuration) instead of installed. */
  readonly absent?: boolean
}

/** A package in one version. */
export interface AptPackage {
  readonly name: string
  /** As `apt-cache policy` shows it, like `8.2504.0-1`. @default whatever is there, else the newest */
  readonly version?: string
}

// A run that was cut off leaves dpkg half-way; it has to be finished before apt works again. The lists are fetched only
// where what is there does not do.
const INSTALL = `set -eu
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
dpkg --configure -a --force-confold
install() {
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef \\
    --allow-downgrades --allow-change-held-packages --no-install-recommends install -- "$@"
}
install "$@" || { apt-get -q -o DPkg::Lock::Timeout=300 update && install "$@"; }`

const REMOVE = `set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg --configure -a --force-confold
apt-get -q -y -o DPkg::Lock::Timeout=300 --allow-change-held-packages purge -- "$@"`

/** Longest an installation may take: a slow mirror and a large package. */
const TIMEOUT_MS = 1_800_000

/**
 * Debian packages installed, without what they merely recommend, or removed. A name or version that no repository has is
 * an error; one that is not fetched yet is fetched. A package on hold is changed as well, and stays on hold.
 * @example apt({ packages: ['rsyslog', { name: 'logrotate' }] })
 * @example apt({ packages: ['hello'], absent: true })
 */
export const apt = defineStep({
  kind: 'apt',
  title: (wanted: AptOptions) =>
    `${wanted.absent === true ? 'remove' : 'install'} ${wanted.packages.map(wordOf).join(', ')}`,
  validate({ packages, absent }) {
    const words = packages.map(wordOf)
    for (const word of words) {
      if (!/^[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?$/.test(word)) {
        throw new UsageError(`"${word}" is not the name of a Debian package: use a-z, 0-9, +, . and -, or name=version`)
      }
      if (absent === true && word.includes('=')) throw new UsageError(`${word}: what is absent has no version`)
    }
    const twice = words.find((word) => words.some((other) => other !== word && nameOf(other) === nameOf(word)))
    if (twice !== undefined) throw new UsageError(`${nameOf(twice)} is asked for in more than one version`)
  },
  facts: () => ({ installed: installedPackages }),
  diff({ packages, absent }, { installed }) {
    return packages.map(wordOf).flatMap((wanted): Change[] => {
      const [name = wanted, version] = wanted.split('=')
      const found = installed.get(name)
      if (absent === true) return found === undefined ? [] : [{ path: name, from: found, to: undefined }]
      if (found !== undefined && (version === undefined || version === found)) return []
      return [{ path: name, from: found, to: version ?? 'installed' }]
    })
  },
  apply({ packages, absent }, changes) {
    const changing = new Set(changes.map(({ path }) => path))
    const names = packages.map(wordOf).filter((wanted) => changing.has(nameOf(wanted)))
    const script = absent === true ? REMOVE : INSTALL
    return [{ argv: ['sh', '-c', script, 'apt', ...names], unit: 'lab-apt', timeoutMs: TIMEOUT_MS }]
  },
})

/** As apt-get takes it: `name` or `name=version`. */
function wordOf(wanted: string | AptPackage): string {
  if (typeof wanted === 'string') return wanted
  return wanted.version === undefined ? wanted.name : `${wanted.name}=${wanted.version}`
}

function nameOf(word: string): string {
  return word.split('=')[0] ?? word
}
