import { installedPackages } from '../facts/packages.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change } from '../model/step.ts'

/** Debian packages. */
export interface AptOptions {
  /** Names; `name=version` asks for exactly that version. */
  readonly packages: readonly string[]
  /** Removed (with their configuration) instead of installed. */
  readonly absent?: boolean
}

// A run that was cut off leaves dpkg half-way; it has to be finished before apt works again. The lists are fetched only
// where what is there does not do.
const INSTALL = `set -eu
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
dpkg --configure -a --force-confold
install() {
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef \\
    --allow-downgrades --no-install-recommends install -- "$@"
}
install "$@" || { apt-get -q -o DPkg::Lock::Timeout=300 update && install "$@"; }`

const REMOVE = `set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg --configure -a --force-confold
apt-get -q -y -o DPkg::Lock::Timeout=300 purge -- "$@"`

/** Longest an installation may take: a slow mirror and a large package. */
const TIMEOUT_MS = 1_800_000

/**
 * Debian packages installed, without what they merely recommend.
 * @example apt({ packages: ['rsyslog', 'rsyslog-relp'] })
 */
export const apt = defineStep({
  kind: 'apt',
  title: (wanted: AptOptions) => `${wanted.absent === true ? 'remove' : 'install'} ${wanted.packages.join(', ')}`,
  validate({ packages }) {
    for (const name of packages) {
      if (/^[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?$/.test(name)) continue
      throw new UsageError(`"${name}" is not the name of a Debian package`)
    }
  },
  facts: () => ({ installed: installedPackages }),
  diff({ packages, absent }, { installed }) {
    return packages.flatMap((wanted): Change[] => {
      const [name = wanted, version] = wanted.split('=')
      const found = installed.get(name)
      if (absent === true) return found === undefined ? [] : [{ path: name, from: found, to: undefined }]
      if (found !== undefined && (version === undefined || version === found)) return []
      return [{ path: name, from: found, to: version ?? 'installed' }]
    })
  },
  apply({ packages, absent }, changes) {
    const changing = new Set(changes.map(({ path }) => path))
    const names = packages.filter((wanted) => changing.has(wanted.split('=')[0] ?? wanted))
    const script = absent === true ? REMOVE : INSTALL
    return [{ argv: ['sh', '-c', script, 'apt', ...names], unit: 'lab-apt', timeoutMs: TIMEOUT_MS }]
  },
})
