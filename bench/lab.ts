import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $, type ProcessOutput } from 'zx'
import type { StatusDocument } from '../src/model/documents.ts'

/** One line of `--json`. */
export interface LabEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/** What a command took. */
export interface Cost {
  readonly wallMs: number
  /** User and system time of lab and of what it started on this host. */
  readonly cpuMs: number
}

/** Lines of a failed command that are shown. */
const LAST_LINES = 12

/** How a command is started. */
export interface RunOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** A lab in a directory, used as its user uses it: through the launcher, and through its nodes' engine and ssh. */
export class Lab {
  readonly #launcher: string
  readonly directory: string
  /** Aborted by Ctrl-C; what is at work then is ended. */
  readonly signal: AbortSignal
  #id = ''
  #nodes: StatusDocument['nodes'] = []

  constructor(root: string, directory: string, signal: AbortSignal) {
    this.#launcher = join(root, 'lab')
    this.signal = signal
    this.directory = directory
  }

  /** Runs `lab ...` to its end; anything but exit 0 throws with what it printed. */
  async run(args: readonly string[], { env = {} }: RunOptions = {}): Promise<ProcessOutput> {
    const ran = await $({
      cwd: this.directory,
      signal: this.signal,
      quiet: true,
      nothrow: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
    })`${this.#launcher} ${args}`
    return succeeded(args, ran)
  }

  /** The document of a query, or the last event of long work. */
  async last<T = LabEvent>(args: readonly string[], options: RunOptions = {}): Promise<T> {
    const { stdout } = await this.run([...args, '--json'], options)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T
  }

  /** Long work that must find nothing to do: a second run that changes something measures something else. */
  async converged(args: readonly string[], options: RunOptions = {}): Promise<void> {
    const { changed, failed } = await this.last(args, options)
    if (changed !== 0 || failed !== 0) throw new Error(`lab ${args.join(' ')} changed ${String(changed)} things`)
  }

  /** {@link converged}, with what it took: bash counts the CPU time of all that a command starts and waits for. */
  async cost(args: readonly string[]): Promise<Cost> {
    const started = performance.now()
    const ran = await $({
      cwd: this.directory,
      signal: this.signal,
      quiet: true,
      nothrow: true,
      shell: 'bash',
      env: { ...process.env, NO_COLOR: '1', TIMEFORMAT: '%U %S' },
    })`time ${this.#launcher} ${args} --json </dev/null`
    const wallMs = performance.now() - started
    const { stdout, stderr } = succeeded(args, ran)
    const { changed, failed } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as LabEvent
    if (changed !== 0 || failed !== 0) throw new Error(`lab ${args.join(' ')} changed ${String(changed)} things`)
    const seconds = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
    return { wallMs, cpuMs: seconds.reduce((sum, each) => sum + each, 0) * 1000 }
  }

  /** Brings it up and learns its names. */
  async up(): Promise<void> {
    await this.run(['up'])
    await this.status()
  }

  /** What `lab status` says now. */
  async status(): Promise<StatusDocument> {
    const status = await this.last<StatusDocument>(['status'])
    this.#id = status.lab
    this.#nodes = status.nodes
    return status
  }

  /** Names of all nodes. */
  get nodes(): readonly string[] {
    return this.#nodes.map(({ name }) => name)
  }

  /** Names of the nodes that run apps. */
  get workers(): readonly string[] {
    return this.#nodes.flatMap(({ name, roles }) => (roles.includes('worker') ? [name] : []))
  }

  /** Name of the node that manages the swarm. */
  get manager(): string {
    return this.#nodes.find(({ roles }) => roles.includes('manager'))?.name ?? 'mgmt'
  }

  /** Container of a node in the host's engine. */
  container(node: string): string {
    return `${this.#id}-${node}`
  }

  /** Runs a program in a node, without SSH between: what it takes is the program's own time. */
  async inside(node: string, argv: readonly string[]): Promise<string> {
    const ran = await $({ quiet: true, signal: this.signal })`docker exec ${this.container(node)} ${argv}`
    return ran.stdout.trim()
  }

  /** A shell script on every node, at the same time. */
  everywhere(script: string): Promise<readonly string[]> {
    return Promise.all(this.nodes.map((node) => this.inside(node, ['sh', '-euc', script])))
  }

  /** Writes the configuration for OpenSSH that `lab ssh-config` prints; answers with its path. */
  async sshConfig(directory: string): Promise<string> {
    const path = join(directory, 'ssh-config')
    await writeFile(path, (await this.run(['ssh-config'])).stdout)
    return path
  }

  /** Makes the sample run: its three apps, with these replicas of the two that may have more than one. */
  async sample(replicas: { readonly nodeapp: number; readonly nginx: number }): Promise<void> {
    await this.run(['deploy', 'mongo', 'nodeapp', 'nginx'])
    for (const [service, count] of Object.entries(replicas)) await this.run(['scale', service, String(count)])
  }

  /** Takes all of it away, as far as it was made. Ctrl-C does not reach this: half of it would be worse than none. */
  async destroy(): Promise<void> {
    await $({
      cwd: this.directory,
      quiet: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })`${this.#launcher} destroy --yes`
  }
}

/** What a command left behind; one that failed throws with its last words, which `--json` has on standard output. */
function succeeded(args: readonly string[], ran: ProcessOutput): ProcessOutput {
  if (ran.exitCode === 0) return ran
  const lines = `${ran.stdout.trim()}\n${ran.stderr.trim()}`.trim().split('\n')
  const code = ran.exitCode === null ? String(ran.signal) : String(ran.exitCode)
  throw new Error(`lab ${args.join(' ')}: exit ${code}: ${lines.slice(-LAST_LINES).join('\n')}`)
}

/** The project's own lab.yml under another name. */
export async function projectSpec(root: string): Promise<string> {
  return (await readFile(join(root, 'lab.yml'), 'utf8')).replace(/^name:.*$/m, 'name: bench')
}
