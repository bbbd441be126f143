import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { NODE_PATHS } from '../../src/model/names.ts'
import { waitFor } from '../../src/model/wait.ts'
import { freezeContainer } from './freezer.ts'
import { container, docker, labDirectory, LAUNCHER, type Event } from './harness.ts'

/** What may happen in the middle of a move. */
export const FAULTS = [
  'cli',
  'source',
  'target',
  'manager',
  'cut',
  'full',
  'pause5',
  'pause12',
  'pause60',
  'apart5',
  'apart12',
  'apart60',
] as const
export type Fault = (typeof FAULTS)[number]

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
async function cutBetween(one: string, other: string): Promise<() => Promise<void>> {
  const there = await address(other)
  await packets(one, '-I', there)
  return () => packets(one, '-D', there)
}

/** Stops every process of a node in its tracks for some seconds. */
async function pauseNode(node: string, seconds: number): Promise<void> {
  const goOn = await freezeContainer(await container(node))
  await delay(seconds * 1000)
  await goOn()
}

/** Cuts a node off from all others for some seconds; this host still reaches it. */
async function holdApart(node: string, seconds: number): Promise<void> {
  const others = ['mgmt', 'node1', 'node2', 'node3'].filter((each) => each !== node)
  const heal = await Promise.all(others.map((other) => cutBetween(node, other)))
  await delay(seconds * 1000)
  for (const each of heal) await each()
}

/** Pulls the plug of a node; `lab up` starts it again. */
export async function killNode(node: string): Promise<void> {
  const name = await container(node)
  await docker('kill', name)
}

/** Leaves next to no room in the pool of a node. Returns what makes room again. */
async function fillPool(node: string): Promise<() => Promise<void>> {
  const { pool } = NODE_PATHS
  const sh = async (script: string) => docker('exec', await container(node), 'sh', '-euc', script)
  const free = `$(df -B1 --output=avail ${pool} | tail -n 1)`
  // How much btrfs gives one file of what it says is free depends on how it has parted its room.
  await sh(`free=${free}
for spare in 8000000 64000000 256000000 1000000000; do
  fallocate -l $((free - spare)) ${pool}/fill && break
done 2>/dev/null
btrfs filesystem sync ${pool}`)
  return async () => {
    await sh(`rm -f ${pool}/fill; mount -o remount,commit=1 ${pool}; btrfs filesystem sync ${pool}`)
    const room = async () => (Number(await sh(`echo ${free}`)) > 1e9 ? true : undefined)
    await waitFor(room, { deadlineMs: 60_000, what: `room in the pool of ${node}` })
  }
}

/** What has to be done when the command under way has ended. */
export interface Struck {
  readonly mend?: () => Promise<void>
  /** A node is down. */
  readonly needsUp?: true
}

/**
 * Lets a fault strike. While it is brought about, the command stands still, so that it happens where the caller meant it
 * to; a fault that lasts is over when this returns, and the command goes on meanwhile.
 */
export async function strike(fault: Fault, move: Running, source: string, target: string): Promise<Struck> {
  if (fault === 'cli') {
    move.process.kill('SIGKILL')
    return {}
  }
  const lasting = /^(pause|apart)(\d+)$/.exec(fault)
  if (lasting !== null) {
    await (lasting[1] === 'pause' ? pauseNode : holdApart)(source, Number(lasting[2]))
    return {}
  }
  move.process.kill('SIGSTOP')
  try {
    switch (fault) {
      case 'cut':
        return { mend: await cutBetween(source, target) }
      case 'full':
        return { mend: await fillPool(target) }
      default:
        await killNode(fault === 'source' ? source : fault === 'target' ? target : 'mgmt')
        return { needsUp: true }
    }
  } finally {
    move.process.kill('SIGCONT')
  }
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
