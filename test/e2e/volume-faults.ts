import { execa } from 'execa'
import { container, docker, labDirectory, LAUNCHER, type Event } from './harness.ts'

/** Numbers between 0 and 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const DROPPED = ['PREROUTING', 'POSTROUTING'] as const

/** Rules that drop all packets to and from an address, for what the node forwards as well. */
async function packets(node: string, verb: '-I' | '-D', other: string): Promise<void> {
  const name = await container(node)
  for (const chain of DROPPED) {
    const way = chain === 'PREROUTING' ? ['-i', 'eth0', '-s', other] : ['-o', 'eth0', '-d', other]
    await docker('exec', name, 'iptables', '-w', '-t', 'mangle', verb, chain, ...way, '-j', 'DROP')
  }
}

async function address(node: string): Promise<string> {
  const text = await docker(
    'inspect',
    '-f',
    '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}',
    await container(node),
  )
  return text.trim().split(' ')[0] ?? ''
}

/** Cuts the network between two nodes and nothing else. Returns what heals it. */
export async function cutBetween(one: string, other: string): Promise<() => Promise<void>> {
  const there = await address(other)
  await packets(one, '-I', there)
  return () => packets(one, '-D', there)
}

/** Stops every process of a node in its tracks. Returns what lets them go on. */
export async function pauseNode(node: string): Promise<() => Promise<void>> {
  const name = await container(node)
  await docker('pause', name)
  return async () => {
    await docker('unpause', name)
  }
}

/** Pulls the plug of a node; `lab up` starts it again. */
export async function killNode(node: string): Promise<void> {
  const name = await container(node)
  await docker('kill', name)
}

/** A `lab ... --json` under way. */
export interface Running {
  readonly process: { kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean }
  readonly events: readonly Event[]
  /** Its exit code, -1 when it was killed. */
  readonly ended: Promise<number>
}

/** Starts a command without waiting for it. */
export function startLab(args: readonly string[]): Running {
  const process = execa(LAUNCHER, [...args, '--json'], {
    cwd: labDirectory(),
    reject: false,
    stdin: 'ignore',
    cleanup: true,
    timeout: 400_000,
  })
  const events: Event[] = []
  let rest = ''
  process.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    events.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Event))
  })
  const ended = process.then(({ exitCode }) => exitCode ?? -1)
  return { process, events, ended }
}
