import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { inject } from 'vitest'
import { leaseLab } from './lab-leases.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a test file asks for the lab it has for itself. */
    labLeases: string
  }
}

/** The launcher users type. */
export const LAUNCHER = resolve(import.meta.dirname, '../../lab')

/** What a lab command left behind. */
export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

/** Options of a lab command in a test. */
export interface RunOptions {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

// Unit tests of what judges here have no labs, and need none.
const leases = inject('labLeases') as string | undefined
const leased = leases === undefined ? undefined : await leaseLab(leases)

/** Directory of the lab that this file has for itself, after files before it and before others. */
export function labDirectory(): string {
  if (leased === undefined) throw new Error('only end-to-end tests have a lab')
  return leased
}

/** Runs `lab ...` as a user would, to its end, whatever its exit code. */
export async function lab(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const started = performance.now()
  const result = await execa(LAUNCHER, args, {
    cwd: options.cwd ?? labDirectory(),
    reject: false,
    timeout: options.timeoutMs ?? 280_000,
    env: { NO_COLOR: '1', ...options.env },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  })
  return {
    exitCode: result.exitCode ?? -1,
    stdout: result.stdout,
    stderr: result.stderr,
    durationMs: performance.now() - started,
  }
}

/** Like {@link lab}, but anything but exit 0 is a failed test that shows the whole output. */
export async function labOk(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const ran = await lab(args, options)
  if (ran.exitCode !== 0) {
    throw new Error(`lab ${args.join(' ')} exited with ${String(ran.exitCode)}\n${ran.stdout}\n${ran.stderr}`)
  }
  return ran
}

/** The JSON document of a query. */
export async function labDocument<T>(args: readonly string[], options: RunOptions = {}): Promise<T> {
  return JSON.parse((await labOk([...args, '--json'], options)).stdout) as T
}

/** The events of long work, one a line; the last is the one that counts. */
export async function labEvents(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly ran: Ran; readonly events: readonly Event[]; readonly last: Event }> {
  const ran = await lab([...args, '--json'], options)
  const events = ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event)
  const last = events.at(-1)
  if (last === undefined) throw new Error(`lab ${args.join(' ')} printed no event\n${ran.stderr}`)
  return { ran, events, last }
}

/** One line of `--json`. */
export interface Event {
  readonly type: string
  readonly [field: string]: unknown
}

/** The document of `lab status --json`. */
export interface Status {
  readonly lab: string
  readonly edge: string
  readonly nodes: readonly {
    readonly name: string
    readonly roles: readonly string[]
    readonly address: string
    readonly state: string
    readonly engine: string
    readonly swarm: string
  }[]
  readonly services: readonly {
    readonly name: string
    readonly app: string
    readonly desired: number
    readonly running: number
    readonly image: string
    readonly urls: readonly string[]
    readonly tasks: readonly {
      readonly id: string
      readonly node: string
      readonly address: string
      readonly state: string
      readonly health: string
      readonly error: string
    }[]
  }[]
  readonly volumes: readonly { readonly name: string; readonly owner: string; readonly phase: string }[]
}

/** `lab status --json`. */
export function status(options: RunOptions = {}): Promise<Status> {
  return labDocument<Status>(['status'], options)
}

/** Id of the shared lab, as it stands in names and labels on the host. */
export async function labId(directory = labDirectory()): Promise<string> {
  const { labIdentity } = await import('../../src/config/identity.ts')
  const text = await readFile(join(directory, 'lab.yml'), 'utf8')
  const name = /^name:\s*(\S+)/m.exec(text)?.[1] ?? 'lab'
  return labIdentity(name, await realpath(directory)).id
}

/** The host engine's name of a node's container. */
export async function container(node: string, directory = labDirectory()): Promise<string> {
  return `${await labId(directory)}-${node}`
}

/** Runs the Docker client on the host's engine. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await execa('docker', args)).stdout
}

/** Makes sure the sample runs with these replicas of nodeapp; costs little when it does. */
export async function ensureSample(replicas = 3): Promise<Status> {
  await labOk(['up'])
  await labOk(['deploy'])
  await labOk(['scale', 'nodeapp', String(replicas)])
  return status()
}

/** Writes a file of a scratch app or playbook below the shared lab's directory. */
export async function writeFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, content)
  }
}
