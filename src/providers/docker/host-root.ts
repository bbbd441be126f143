import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** How commands are run as root on this host: a prefix for their argv. */
export type RootPrefix = readonly string[]

/** Where Debian keeps what only root uses; not in everybody's PATH. */
const ROOT_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']

/** The prefix that makes a command root's: none for root itself, sudo where it asks for no password; else undefined. */
export async function rootPrefix(): Promise<RootPrefix | undefined> {
  if (process.getuid?.() === 0) return []
  const { execa } = await import('execa')
  const proxies = Object.keys(process.env).filter((name) => /^(https?|no)_proxy$/i.test(name))
  // sudo forgets the environment, and whoever downloads as root needs the proxies in it.
  const keep = proxies.length === 0 ? [] : [['sudo', '-n', `--preserve-env=${proxies.join(',')}`]]
  for (const [sudo = '', ...options] of [...keep, ['sudo', '-n']]) {
    const { exitCode } = await execa(sudo, [...options, 'true'], { reject: false })
    if (exitCode === 0) return [sudo, ...options]
  }
  return undefined
}

/** Command and arguments that run `argv` as root. */
export function asRoot(root: RootPrefix, argv: readonly [string, ...string[]]): readonly [string, readonly string[]] {
  const [sudo, ...options] = root
  const [command, ...args] = argv
  return sudo === undefined ? [command, args] : [sudo, [...options, command, ...args]]
}

/** Path of a program on this host, root's directories included; undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const directories = new Set([...(process.env['PATH'] ?? '').split(delimiter), ...ROOT_PATHS])
  for (const directory of directories) {
    const file = join(directory, name)
    try {
      await access(file, constants.X_OK)
      return file
    } catch {
      // Not in this directory; the next one may have it.
    }
  }
  return undefined
}

/** Whether packages of this host are installed with apt, and so lab can install what it lacks. */
export async function hasApt(): Promise<boolean> {
  return process.platform === 'linux' && (await findProgram('apt-get')) !== undefined
}

/**
 * Installs Debian packages on this host; those of `ifKnown` only where the release has them. Throws execa's error, with
 * apt's own last words, when apt fails.
 */
export async function aptInstall(
  root: RootPrefix,
  packages: readonly string[],
  progress: (line: string) => void,
  signal: AbortSignal,
  ifKnown: readonly string[] = [],
): Promise<void> {
  const { execa } = await import('execa')
  const apt = async (...args: readonly string[]) => {
    const argv = asRoot(root, ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args])
    const process = execa(...argv, { all: true, cancelSignal: signal, stdin: 'ignore' })
    for await (const line of process.iterable({ from: 'all' })) progress(line)
    await process
  }
  await apt('update')
  const more: string[] = []
  for (const name of ifKnown) {
    const { exitCode } = await execa('apt-cache', ['show', '--quiet', name], { reject: false, stdout: 'ignore' })
    if (exitCode === 0) more.push(name)
  }
  await apt('install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages, ...more)
}
