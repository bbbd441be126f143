import { expect, test } from 'vitest'
import { BATCHES } from '../e2e/drift-kinds.ts'
import { container, docker, lab, labDirectory, labEvents, labOk } from '../e2e/harness.ts'
import { destroyLab, makeLab } from '../e2e/own-lab.ts'
import {
  describePoint,
  killAndMend,
  killPoints,
  outcomeTable,
  watchedUp,
  type KillKind,
  type KillPoint,
  type Outcome,
  type TableRow,
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
 * 2. One run each. A lab that is up is spoiled: once in every way that test/e2e/drift-kinds.ts knows, once by taking node3
 *    away with all its data, so that nearly every step of the site has something to do. What a run then does is counted
 *    once for both; after that, for each effect, each side of it and each thing that can die: spoil, a run in which it dies
 *    there, `up`, `plan`. Effects are numbered by node, in whose order nothing is by chance. Where a number is not reached
 *    (a spoiled node may differ in a detail: a service that started again by itself) the run counts as no kill.
 *
 * --kills N takes N of the points of the second way, and as many runs of the chain; --seed says which, and --skip N goes on
 * after the first N of that seed. --labs N spreads the points over N labs, which mostly wait.
 */
const directory = labDirectory()
const KILLS = Number(process.env['LAB_TORTURE_KILLS'] ?? Infinity)
const SEED = Number(process.env['LAB_TORTURE_SEED'] ?? Date.now() % 1_000_000)
const SKIP = Number(process.env['LAB_TORTURE_SKIP'] ?? 0)
const LABS = Number(process.env['LAB_TORTURE_LABS'] ?? 1)
const KINDS: readonly KillKind[] = ['lab', 'session', 'node']
const LOST = 'node3'

test('one run each: whatever dies at an effect, the next up converges and the plan is empty', async () => {
  const more = await Promise.all(Array.from({ length: LABS - 1 }, () => makeLab('kills')))
  try {
    await Promise.all([directory, ...more].map((cwd) => labOk(['up'], { cwd })))
    const trials: Trial[] = []
    for (const damage of DAMAGES) {
      await damage.spoil(directory)
      const { effects, exitCode, output } = await watchedUp(directory)
      expect(exitCode, output).toBe(0)
      trials.push(...killPoints(effects).map((point) => ({ damage, point })))
    }
    const queue = [...sample(trials)]
    const count = queue.length
    console.log(`${String(count)} of ${String(trials.length)} kills, --seed ${String(SEED)}`)
    const results: Result[] = []
    const work = async (cwd: string) => {
      for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) {
        const result = await tryOne(cwd, trial)
        results.push(result)
        const { outcome, seconds } = result
        const progress = `${String(results.length)}/${String(count)}`
        const reached = outcome.reached ? '' : ' (not reached)'
        console.log(`${progress} ${describeTrial(trial)}${reached}: ${String(Math.round(seconds))} s`)
        if (outcome.report !== '') console.error(outcome.report)
      }
    }
    await Promise.all([directory, ...more].map(work))
    console.log(outcomeTable('one run each', tableRows(results)))
    expect(results.filter(({ outcome }) => outcome.report !== '').map(({ trial }) => describeTrial(trial))).toEqual([])
    expect(results.some(({ outcome }) => outcome.reached)).toBe(true)
  } finally {
    for (const cwd of more) await destroyLab(cwd)
  }
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

interface Damage {
  readonly name: string
  spoil(cwd: string): Promise<unknown>
}

/** What is done to a lab that is up, so that the next run has something to do. */
const DAMAGES: readonly Damage[] = [
  {
    name: 'drift of every kind',
    spoil: (cwd) =>
      Promise.all(
        ['mgmt', 'node1', 'node2'].map(async (node) => {
          const drifts = BATCHES.flat().filter((drift) => drift.node === node)
          // What an earlier one took away, a later one cannot spoil: that is no matter.
          const script = drifts.map(({ spoil }) => `( ${spoil} ) >/dev/null 2>&1`)
          await docker('exec', await container(node, cwd), 'sh', '-c', `${script.join('\n')}\ntrue`)
        }),
      ),
  },
  {
    name: `${LOST} lost`,
    spoil: async (cwd) => {
      const lost = await container(LOST, cwd)
      await docker('rm', '-f', '-v', lost)
      await docker('volume', 'rm', '-f', `${lost}-docker`, `${lost}-state`)
    },
  },
]

/** One kill to be tried, and what came of it. */
interface Trial {
  readonly damage: Damage
  readonly point: KillPoint
}
interface Result {
  readonly trial: Trial
  readonly outcome: Outcome
  readonly seconds: number
}

const describeTrial = ({ damage, point }: Trial) => `${damage.name}, ${describePoint(point)}`

async function tryOne(cwd: string, trial: Trial): Promise<Result> {
  const started = performance.now()
  await trial.damage.spoil(cwd)
  const outcome = await killAndMend(cwd, trial.point)
  return { trial, outcome, seconds: (performance.now() - started) / 1000 }
}

function tableRows(results: readonly Result[]): readonly TableRow[] {
  return DAMAGES.flatMap((damage) =>
    KINDS.map((kind) => {
      const these = results.filter(({ trial }) => trial.damage === damage && trial.point.kind === kind)
      return {
        name: `${damage.name}: ${kind}`,
        outcomes: these.map(({ outcome }) => outcome),
        seconds: these.reduce((sum, { seconds }) => sum + seconds, 0),
      }
    }),
  )
}

/** As many of a list as `--kills` says, in an order of the seed's: a run that is ended early has still tried all sorts. */
function sample<T>(list: readonly T[]): readonly T[] {
  let state = SEED >>> 0
  // A linear congruential generator (Numerical Recipes' constants) is enough to mix a list.
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  const keyed = list.map((item) => ({ item, key: next() }))
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(SKIP, SKIP + KILLS)
    .map(({ item }) => item)
}
