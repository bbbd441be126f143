import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { planFaults, possibleFaults, type ChaosShape } from '../../src/chaos/schedule.ts'
import { FAULT_KINDS, FAULT_WORDS, type FaultKind } from '../../src/model/fault.ts'
import { missingMessages, postMessage } from '../e2e/client.ts'
import { lab, labOk, status, type Status } from '../e2e/harness.ts'

/*
 * `lab chaos` with every fault that a lab can have, as a person would type it: it ends well, says what it did, and does the
 * same again with the same seed. --seed says which one, --seconds for how long.
 */
const SEED = Number(process.env['LAB_TORTURE_SEED'] ?? Date.now() % 1_000_000)
const SECONDS = Number(process.env['LAB_TORTURE_SECONDS'] ?? 300)
const AGAIN_S = 30
const MOST_MS = Math.max(SECONDS, AGAIN_S) * 1000
/** What was begun is healed, which may take minutes for each fault. */
const timeoutMs = SECONDS * 1000 + 900_000
const APPS = resolve(import.meta.dirname, '../../apps')

/** Labs by name. Where three managers are, the edge stands apart from them: it serves whoever leads. */
const LABS: readonly (readonly [string, string])[] = [
  [
    'one-manager',
    `  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node1, roles: [worker, registry, logs] }
  - { name: node, roles: [worker], count: 2, start: 2 }`,
  ],
  [
    'three-managers',
    `  - { name: m1, roles: [manager, build] }
  - { name: m, roles: [manager], count: 2, start: 2 }
  - { name: edge1, roles: [edge] }
  - { name: w1, roles: [worker, registry, logs] }
  - { name: w2, roles: [worker] }`,
  ],
]

const made: string[] = []
afterAll(async () => {
  for (const cwd of made) {
    await lab(['destroy', '--yes'], { cwd })
    await rm(cwd, { recursive: true, force: true })
  }
})

test.each(LABS)('%s: all that chaos breaks heals, and nothing acknowledged is lost', async (name, nodes) => {
  const cwd = await mkdtemp(join(tmpdir(), `lab-chaos-of-${String(process.pid)}-`))
  made.push(cwd)
  await writeFile(join(cwd, 'lab.yml'), `name: ${name}\nnodes:\n${nodes}\nvolumes: { poolSize: 1GiB }\n`)
  await cp(APPS, join(cwd, 'apps'), { recursive: true })
  await labOk(['up'], { cwd, timeoutMs: 600_000 })
  await labOk(['deploy', 'apps/mongo', 'apps/nodeapp', 'apps/nginx'], { cwd, timeoutMs: 600_000 })
  await labOk(['scale', 'nodeapp', '3'], { cwd })
  await labOk(['scale', 'nginx', '3'], { cwd })
  const before = await status({ cwd })
  const marks = ['one', 'two', 'three'].map((word) => `before chaos, ${word}`)
  for (const mark of marks) await postMessage(before.edge, mark)

  const struck = await chaos(cwd, SECONDS)
  const shape = shapeOf(before)
  const wanted = expectedFaults(shape)
  expect(struck).toEqual(wanted.slice(0, struck.length))
  // Each kind comes up once before one comes again.
  const possible = possibleFaults(shape).length
  expect(new Set(struck.map(({ kind }) => kind)).size).toBe(Math.min(struck.length, possible))

  const after = await status({ cwd })
  const lasting = ({ nodes: all, services, volumes, edge }: typeof after) => ({
    edge,
    nodes: all.map(({ name: node, address, state }) => ({ node, address, state })),
    services: services.map(({ name: service, desired, running }) => ({ service, desired, running })),
    volumes: volumes.map(({ name: volume, owner, phase }) => ({ volume, owner, phase })),
  })
  expect(lasting(after)).toEqual(lasting(before))
  expect(await missingMessages(after.edge, marks)).toEqual([])
  const plan = await lab(['plan'], { cwd })
  expect(plan.exitCode, plan.stdout).toBe(0)
  const again = await chaos(cwd, AGAIN_S)
  expect(again).toEqual(wanted.slice(0, again.length))
})

interface Struck {
  readonly kind: FaultKind
  /** Undefined: whoever led at that moment. */
  readonly node: string | undefined
}

/** Runs it to its good end. Returns what it says it did, each with its healing. */
async function chaos(cwd: string, seconds: number): Promise<readonly Struck[]> {
  const { exitCode, stdout, stderr } = await lab(
    ['chaos', '--for', `${String(seconds)}s`, '--seed', String(SEED), '--yes'],
    { cwd, timeoutMs },
  )
  const told = `${stdout}\n${stderr}`
  console.log(told)
  expect(exitCode, told).toBe(0)
  const lines = told.split('\n')
  const struck = lines.flatMap((line) => {
    const [, words = ''] = /^ *\d+:\d\d {2}✗ (.*)$/.exec(line) ?? []
    const kind = MOST_WORDS_FIRST.find((each) => words.startsWith(`${FAULT_WORDS[each]} `))
    if (kind === undefined) return []
    return [{ kind, node: kind === 'leader' ? undefined : words.slice(FAULT_WORDS[kind].length + 1) }]
  })
  const healed = lines.filter((line) => /^ *\d+:\d\d {2}✓ \S+ healed after /.test(line))
  expect(healed, told).toHaveLength(struck.length)
  expect(struck.length, told).toBeGreaterThan(0)
  expect(told).toContain(`✓ seed ${String(SEED)}: ${String(struck.length)} fault`)
  expect(told).toMatch(/[1-9]\d* writes acknowledged and read back · writers of mongo-data watched/)
  return struck
}

/** "Cut the power of the leader" begins like "cut the power of". */
const MOST_WORDS_FIRST = [...FAULT_KINDS].sort((a, b) => FAULT_WORDS[b].length - FAULT_WORDS[a].length)

function shapeOf({ nodes }: Status): ChaosShape {
  const watchedEdge = nodes.find(({ roles }) => roles.includes('edge'))?.name
  return { nodes: nodes as ChaosShape['nodes'], watchedEdge, canKill: true, canPause: true }
}

function expectedFaults(shape: ChaosShape): readonly Struck[] {
  const planned = planFaults(shape, { seed: SEED, forMs: MOST_MS, kinds: possibleFaults(shape) })
  return planned.map(({ kind, node }) => ({ kind, node }))
}
