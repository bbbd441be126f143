import { mkdir, open, readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { userInfo } from 'node:os'
import type Docker from 'dockerode'
import { LabError, toLabError } from '../../model/errors.ts'
import type { Progress } from '../../model/provider.ts'
import { waitFor } from '../../model/wait.ts'
import { engineAddress, openEngine, type EngineAddress } from './engine.ts'
import { aptInstall, asRoot, findProgram, hasApt, rootPrefix, type RootPrefix } from './host-root.ts'

/** Where an engine that lab starts without systemd writes its log. */
const ENGINE_LOG = '/var/log/lab-dockerd.log'
const START_DEADLINE_MS = 60_000
const PACKAGES = ['docker.io', 'iptables', 'iproute2', 'ca-certificates']

/**
 * Makes sure an engine answers: one that runs is never touched; one that is installed and does not run is started; on
 * Debian and Ubuntu, as root or with a sudo that asks nothing, a missing one is installed first. Says what it does.
 */
export async function ensureHostEngine(progress: Progress, signal: AbortSignal): Promise<void> {
  const address = await engineAddress()
  const engine = openEngine(address)
  if (await answers(engine, address)) return
  if (address.chosen) throw noEngine(address)
  const root = await rootPrefix()
  const installed = await isInstalled()
  if (root === undefined || !(installed || (await hasApt()))) throw noEngine(address)
  if (!installed) await install(root, progress, signal)
  if (!(await answersAsAnyone(engine, address))) await start(root, engine, address, progress, signal)
  if (!installed) await allowUser(root, address)
  if (!(await answers(engine, address))) throw noEngine(address)
}

/** Whether lab could start an engine here, having installed it if need be. */
export async function canProvideEngine(): Promise<boolean> {
  return (await rootPrefix()) !== undefined && ((await isInstalled()) || (await hasApt()))
}

/** An engine, that is; a `docker` command may be alone here. */
async function isInstalled(): Promise<boolean> {
  return (await findProgram('dockerd')) !== undefined
}

/** Whether the engine answers. Throws `ENGINE_DENIED` when it runs and does not let this user in. */
export async function answers(engine: Docker, address: EngineAddress): Promise<boolean> {
  try {
    await engine.ping()
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return false
    if (code === 'EACCES' || code === 'EPERM') throw denied(address, error)
    throw new LabError('ENGINE', `the Docker engine answers strangely: ${toLabError(error).message}`, {
      where: address.url,
      hint: 'docker version',
      cause: error,
    })
  }
}

/** The error for a host without an engine that answers, with what to do on this kind of host. */
export function noEngine(address: EngineAddress): LabError {
  const hint = address.chosen
    ? 'start that engine, or unset DOCKER_HOST (docker context use default)'
    : process.platform === 'linux'
      ? 'install Docker Engine and start it (Debian, Ubuntu: sudo apt-get install docker.io; "lab up" as root does both)'
      : 'install and start Docker Desktop, or another Docker engine'
  return new LabError('NO_ENGINE', 'no Docker engine answers', { where: address.url, hint })
}

function denied(address: EngineAddress, cause: unknown): LabError {
  const user = userInfo().username
  return new LabError('ENGINE_DENIED', `the Docker engine runs, but ${user} may not use it`, {
    where: address.url,
    hint: `sudo usermod -aG docker ${user}, log in anew, and run this again`,
    cause,
  })
}

async function install(root: RootPrefix, progress: Progress, signal: AbortSignal): Promise<void> {
  progress('no Docker engine on this machine: installing docker.io with apt')
  // The access list lets a user who is not root use the engine before the next login.
  const more = process.getuid?.() === 0 ? [] : ['acl']
  const cgroups = hasCgroups(await readFile('/proc/mounts', 'utf8')) ? [] : ['cgroupfs-mount']
  try {
    // Up to Debian 12 the `docker` command is part of docker.io. lab does without it; people do not.
    await aptInstall(root, [...PACKAGES, ...more, ...cgroups], progress, signal, ['docker-cli'])
  } catch (error) {
    signal.throwIfAborted()
    throw new LabError('ENGINE_INSTALL', `apt could not install docker.io: ${lastLines(toLabError(error).message)}`, {
      where: 'apt-get install docker.io',
      hint: 'mend what apt complains of, or install a Docker engine yourself, then run this again',
      cause: error,
    })
  }
}

async function start(
  root: RootPrefix,
  engine: Docker,
  address: EngineAddress,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const bySystemd = existsSync('/run/systemd/system')
  progress(bySystemd ? 'starting the Docker engine' : `starting the Docker engine (log: ${ENGINE_LOG})`)
  if (bySystemd) await run(root, ['systemctl', 'start', 'docker.service'])
  else {
    if (!hasCgroups(await readFile('/proc/mounts', 'utf8')) && (await findProgram('cgroupfs-mount')) !== undefined) {
      await run(root, ['cgroupfs-mount'])
    }
    await startDirectly(root)
  }
  try {
    const options = { deadlineMs: START_DEADLINE_MS, signal, what: 'the Docker engine to answer' }
    await waitFor(async () => ((await answersAsAnyone(engine, address)) ? true : undefined), options)
  } catch (error) {
    signal.throwIfAborted()
    const { execa } = await import('execa')
    const log = bySystemd
      ? (await execa('journalctl', ['-u', 'docker.service', '-n', '20', '--no-pager', '-o', 'cat'], { reject: false }))
          .stdout
      : await readFile(ENGINE_LOG, 'utf8').catch(() => '')
    throw new LabError('ENGINE_START', `the Docker engine does not start:\n${lastLines(log)}`, {
      where: bySystemd ? 'docker.service' : ENGINE_LOG,
      hint: 'mend what its log complains of, then run this again',
      cause: error,
    })
  }
}

/** Starts an engine that outlives lab: a session of its own, no terminal. It writes /var/run/docker.pid itself. */
async function startDirectly(root: RootPrefix): Promise<void> {
  const dockerd = (await findProgram('dockerd')) ?? 'dockerd'
  if (root.length > 0) {
    await run(root, ['sh', '-c', 'setsid "$0" >>"$1" 2>&1 </dev/null &', dockerd, ENGINE_LOG])
    return
  }
  await mkdir('/var/log', { recursive: true })
  const log = await open(ENGINE_LOG, 'a', 0o640)
  try {
    const child = spawn(dockerd, [], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: engineEnvironment(),
    })
    // An engine that cannot even be executed shows in the log's absence and in the wait that follows.
    child.on('error', () => undefined)
    child.unref()
  } finally {
    await log.close()
  }
}

/** What an engine started here inherits: paths, proxies and certificates; nothing else of the user's session. */
function engineEnvironment(): Record<string, string> {
  const kept = /^(PATH|(HTTPS?|NO)_PROXY|SSL_CERT_(FILE|DIR))$/i
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      kept.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  )
}

/** Lets a user who is not root use the engine that was installed for them: from the next login, and now. */
async function allowUser(root: RootPrefix, address: EngineAddress): Promise<void> {
  if (root.length === 0 || address.socketPath === undefined) return
  const user = userInfo().username
  await run(root, ['usermod', '-aG', 'docker', user])
  await run(root, ['setfacl', '-m', `u:${user}:rw`, address.socketPath])
}

/** Whether it answers, be it only to say that this user may not use it. */
async function answersAsAnyone(engine: Docker, address: EngineAddress): Promise<boolean> {
  try {
    return await answers(engine, address)
  } catch (error) {
    if (error instanceof LabError && error.code === 'ENGINE_DENIED') return true
    throw error
  }
}

async function run(root: RootPrefix, argv: readonly [string, ...string[]]): Promise<void> {
  const { execa } = await import('execa')
  try {
    await execa(...asRoot(root, argv), { stdin: 'ignore' })
  } catch (error) {
    throw new LabError('ENGINE_START', lastLines(toLabError(error).message), {
      where: argv.join(' '),
      hint: 'mend what it complains of, then run this again',
      cause: error,
    })
  }
}

/** Pure: whether control groups of either version are among the mounts. */
export function hasCgroups(mounts: string): boolean {
  return /^\S+ \S+ cgroup2? /m.test(mounts)
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n')
}
