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

/** Rules that drop all packets of a node, or those to and from some addresses, for what it forwards as well. */
async function packets(node: string, verb: '-I' | '-D', addresses?: readonly string[]): Promise<void> {
  const name = await container(node)
  for (const chain of DROPPED) {
    const way = chain === 'PREROUTING' ? (['-i', '-s'] as const) : (['-o', '-d'] as const)
    const which = addresses === undefined ? [[]] : addresses.map((address) => [way[1], address])
    for (const each of which) {
      await docker('exec', name, 'iptables', '-w', '-t', 'mangle', verb, chain, way[0], 'eth0', ...each, '-j', 'DROP')
    }
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

/** Cuts a node off from everything; only the host's own `docker exec` still reaches it. Returns what heals it. */
export async function cutOff(node: string): Promise<() => Promise<void>> {
  await packets(node, '-I')
  return () => packets(node, '-D')
}

/** Cuts the network between two nodes and nothing else. Returns what heals it. */
export async function cutBetween(one: string, other: string): Promise<() => Promise<void>> {
  const there = [await address(other)]
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
  /** The next event for which this is true, also one that was already told; undefined when the command ends first. */
  upTo(wanted: (event: Event) => boolean): Promise<Event | undefined>
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
  const waiting = new Set<() => void>()
  let over = false
  const tell = () => {
    for (const each of waiting) each()
  }
  let rest = ''
  process.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    events.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Event))
    tell()
  })
  const ended = process.then((result) => {
    over = true
    tell()
    return result.exitCode ?? -1
  })
  return {
    process,
    events,
    ended,
    upTo: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          const found = events.find(wanted)
          if (found === undefined && !over) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
  }
}

/** How the event begins that tells of each phase of a move. */
export const PHASE_TITLES = {
  precopy: /^copy .* while/,
  quiesce: /^stop /,
  final: /^copy the last changes/,
  flip: /^hand /,
  start: /^start /,
  demote: /^tidy up/,
} as const
export type Phase = keyof typeof PHASE_TITLES

/** Stops a move where it begins a phase, for as long as the work takes. False: the move ended before that phase. */
export async function inPhase(move: Running, phase: Phase, work: () => Promise<void>): Promise<boolean> {
  const begun = await move.upTo(({ type, title }) => type === 'task-started' && PHASE_TITLES[phase].test(String(title)))
  if (begun === undefined) return false
  move.process.kill('SIGSTOP')
  try {
    await work()
  } finally {
    move.process.kill('SIGCONT')
  }
  return true
}
