import { expect, inject, test } from 'vitest'
import { BATCHES } from '../e2e/drift-kinds.ts'
import { container, docker, lab, labEvents, labOk } from '../e2e/harness.ts'
import {
  describePoint,
  killAndMend,
  killPoints,
  outcomeTable,
  watchedUp,
  type KillKind,
  type Outcome,
} from './kill-points.ts'

/*
 * The law: whatever dies before or after any side effect of the site - lab, the SSH session to a node, the node -, the
 * next `lab up` converges and the plan is empty. A side effect is each command of a step and whatever else lab does on
 * nodes, in the host's engine and in its own files (kill-effects.mjs says how they are met).
 *
 * A lab made from nothing for each kill would take days, so the law is tried in two ways:
 *
 * 1. The chain. From no lab at all, one run after the other is killed right after the first effect it has, until a run has
 *    none left. So each state on the way from nothing to a converged lab is one that a run was killed in, after one effect
 *    and before the next, and that another run starts from. One that cannot be got out of ends the chain.
 * 2. One run each. A lab that is up is spoiled in every way that test/e2e/drift-kinds.ts knows, and node3 is taken away
 *    with all its data, so that nearly every step of the site has something to do. What a run then does is counted once;
 *    after that, for each effect, each side of it and each thing that can die: spoil, a run in which it dies there, `up`,
 *    `plan`. Effects are numbered by node, in whose order nothing is by chance. Where a number is not reached (a spoiled
 *    node may differ in a detail: a service that started again by itself) the run counts as no kill.
 *
 * --kills N takes N of the points of the second way, and as many runs of the chain; --seed says which.
 */
const directory = inject('labDirectory')
const KILLS = Number(process.env['LAB_TORTURE_KILLS'] ?? Infinity)
const SEED = Number(process.env['LAB_TORTURE_SEED'] ?? Date.now() % 1_000_000)
const KINDS: readonly KillKind[] = ['lab', 'session', 'node']
const LOST = 'node3'

test('one run each: whatever dies at an effect, the next up converges and the plan is empty', async () => {
  await labOk(['up'])
  await spoil()
  const { effects, exitCode, output } = await watchedUp(directory)
  expect(exitCode, output).toBe(0)
  const points = sample(killPoints(effects))
  console.log(`${String(effects.length)} effects, ${String(points.length)} kills, --seed ${String(SEED)}`)
  const outcomes: Outcome[] = []
  const seconds = new Map<KillKind, number>()
  for (const point of points) {
    const started = performance.now()
    await spoil()
    const outcome = await killAndMend(directory, point)
    outcomes.push(outcome)
    const took = (performance.now() - started) / 1000
    seconds.set(point.kind, (seconds.get(point.kind) ?? 0) + took)
    console.log(`${describePoint(point)}${outcome.reached ? '' : ' (not reached)'}: ${String(Math.round(took))} s`)
    if (outcome.report !== '') console.error(outcome.report)
  }
  const rows = KINDS.map((kind) => ({
    name: kind,
    effects: effects.length,
    outcomes: outcomes.filter(({ point }) => point.kind === kind),
    seconds: seconds.get(kind) ?? 0,
  }))
  console.log(outcomeTable('one run each', rows))
  expect(outcomes.filter(({ report }) => report !== '').map(({ point }) => describePoint(point))).toEqual([])
  expect(outcomes.some(({ reached }) => reached)).toBe(true)
})

test('the chain: from nothing, each run killed at its first effect, the lab comes up', async () => {
  await labOk(['destroy', '--yes'])
  const started = performance.now()
  let kills = 0
  let number = 1
  const places = new Set<string>()
  while (kills < KILLS) {
    const run = await watchedUp(directory, { kind: 'lab', node: 'any', number, side: 'after' })
    // A step of several commands is done after its last one only: at a place seen before, the next gets one further.
    number = places.has(run.killedAt) ? number + 1 : 1
    places.add(run.killedAt)
    if (!run.killed) {
      expect(run.exitCode, run.output).toBe(0)
      break
    }
    kills++
    console.log(`killed after ${run.killedAt}`)
    expect(run.signal, run.output).toBe('SIGKILL')
  }
  const up = await labEvents(['up'])
  const plan = await lab(['plan'])
  console.log(
    `the chain: ${String(kills)} kills, ${String(Math.round((performance.now() - started) / 1000))} s; ` +
      `then up exits ${String(up.ran.exitCode)} and plan ${String(plan.exitCode)}`,
  )
  expect(up.ran.exitCode, up.ran.stdout).toBe(0)
  expect(plan.exitCode, plan.stdout).toBe(0)
  expect(kills).toBeGreaterThan(0)
})

/** Drift of every kind on all nodes but one, which is lost with its volumes. */
async function spoil(): Promise<void> {
  const drifts = BATCHES.flat()
  const lost = await container(LOST)
  const lose = async () => {
    await docker('rm', '-f', '-v', lost)
    await docker('volume', 'rm', '-f', `${lost}-docker`, `${lost}-state`)
  }
  await Promise.all([
    lose(),
    ...['mgmt', 'node1', 'node2'].map(async (node) => {
      // What an earlier one took away, a later one cannot spoil: that is no matter.
      const script = drifts.filter((drift) => drift.node === node).map((drift) => `( ${drift.spoil} ) >/dev/null 2>&1`)
      await docker('exec', await container(node), 'sh', '-c', `${script.join('\n')}\ntrue`)
    }),
  ])
}

/** As many of a list as `--kills` says, by the seed: the same ones for the same seed. */
function sample<T>(list: readonly T[]): readonly T[] {
  if (list.length <= KILLS) return list
  let state = SEED >>> 0
  // A linear congruential generator (Numerical Recipes' constants) is enough to mix a list.
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  const keyed = list.map((item) => ({ item, key: next() }))
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(0, KILLS)
    .map(({ item }) => item)
}
