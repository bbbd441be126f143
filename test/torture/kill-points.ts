import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { execa } from 'execa'
import { glob } from 'zx'
import { BUNDLE } from '../../scripts/bundle.mjs'
import { lab, labId } from '../e2e/harness.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** Something `lab up` does that is more than looking, in the order of its node (`host`: this machine). */
export interface Effect {
  readonly node: string
  readonly number: number
  /** How lab does it: through its connection to the node, the host's engine, or in a file of its own. */
  readonly via: 'ssh' | 'engine' | 'file'
  readonly what: string
}

/** What dies: lab itself, the SSH session to the node of the effect, or that node. */
export type KillKind = 'lab' | 'session' | 'node'

/** Where something dies. The node `any` stands for whichever effect comes first, in a script the one of the number. */
export interface KillPoint {
  readonly kind: KillKind
  readonly node: string
  readonly number: number
  readonly side: 'before' | 'after'
}

/** One `lab up` with its effects. */
export interface WatchedUp {
  readonly effects: readonly Effect[]
  /** The point was reached, and something died there. */
  readonly killed: boolean
  /** Where, in words: the node and what was done on it. */
  readonly killedAt: string
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  readonly output: string
}

/** Told by what dies, right before. */
interface Kill {
  readonly killed: KillKind
  readonly node: string
  readonly what: string
}

let compiled: Promise<string> | undefined

/** lab compiled as ever, but with its packages apart, so that what is loaded before it can stand between them. */
async function compileApart(): Promise<string> {
  const outdir = join(ROOT, 'node_modules/.cache/lab-apart')
  const sources = await glob('{src/cli/main,src/index,src/steps/*,playbooks/*}.ts', { cwd: ROOT })
  await build({ ...BUNDLE, entryPoints: sources, packages: 'external', absWorkingDir: ROOT, outdir, outbase: '.' })
  return join(outdir, 'src/cli/main.js')
}

/** Runs `lab up`, and lets something die at `point`. */
export async function watchedUp(directory: string, point?: KillPoint): Promise<WatchedUp> {
  const scratch = await mkdtemp(join(tmpdir(), 'lab-kill-'))
  const log = join(scratch, 'effects')
  // A run that changes nothing has no effect to write down.
  await writeFile(log, '')
  const entry = await (compiled ??= compileApart())
  try {
    const ran = await execa(
      process.execPath,
      ['--import', join(import.meta.dirname, 'kill-effects.mjs'), entry, 'up'],
      {
        cwd: directory,
        reject: false,
        all: true,
        stdin: 'ignore',
        timeout: 600_000,
        env: {
          NO_COLOR: '1',
          LAB_EFFECTS: log,
          LAB_ID: await labId(directory),
          ...(point === undefined ? {} : { LAB_KILL: JSON.stringify(point) }),
        },
      },
    )
    const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '')
    const entries = lines.map((line) => JSON.parse(line) as Effect | Kill)
    const kill = entries.find((each): each is Kill => 'killed' in each)
    return {
      effects: entries.filter((each): each is Effect => 'number' in each),
      killed: kill !== undefined,
      killedAt: kill === undefined ? '' : `${kill.node}: ${kill.what}`,
      exitCode: ran.exitCode,
      signal: ran.signal,
      output: ran.all,
    }
  } finally {
    await rm(scratch, { recursive: true })
  }
}

const KINDS: Readonly<Record<Effect['via'], readonly KillKind[]>> = {
  ssh: ['lab', 'session', 'node'],
  engine: ['lab', 'node'],
  file: ['lab'],
}

/** Every point at which something can die: before and after each effect, whatever has a part in it. */
export function killPoints(effects: readonly Effect[]): readonly KillPoint[] {
  return effects.flatMap(({ node, number, via }) =>
    KINDS[via]
      .filter((kind) => kind !== 'node' || node !== 'host')
      .flatMap((kind) => (['before', 'after'] as const).map((side) => ({ kind, node, number, side }))),
  )
}

/** What became of one kill and the `up` after it. */
export interface Outcome {
  readonly point: KillPoint
  readonly reached: boolean
  readonly converged: boolean
  readonly emptyPlan: boolean
  /** What was printed, where something is not as it must be. */
  readonly report: string
}

/** Lets something die at a point, then runs `lab up` and `lab plan` as a user would. */
export async function killAndMend(directory: string, point: KillPoint): Promise<Outcome> {
  const run = await watchedUp(directory, point)
  const reports = [`${describePoint(point)}: ${run.killedAt}`]
  const tell = (
    command: string,
    { exitCode, text }: { readonly exitCode: number | undefined; readonly text: string },
  ) => reports.push(`--- ${command}: exit code ${String(exitCode)}\n${text}`)
  tell('the up in which it died', { exitCode: run.exitCode, text: run.output })
  const died = point.kind === 'lab' ? run.signal === 'SIGKILL' : run.exitCode === 1 || run.exitCode === 0
  const upAgain = await lab(['up'], { cwd: directory })
  tell('up', { exitCode: upAgain.exitCode, text: upAgain.stdout + upAgain.stderr })
  const plan = await lab(['plan'], { cwd: directory })
  tell('plan', { exitCode: plan.exitCode, text: plan.stdout + plan.stderr })
  const converged = upAgain.exitCode === 0 && (died || !run.killed)
  const emptyPlan = plan.exitCode === 0
  return { point, reached: run.killed, converged, emptyPlan, report: converged && emptyPlan ? '' : reports.join('\n') }
}

/** A point in words, as it is given to `watchedUp`. */
export function describePoint({ kind, node, number, side }: KillPoint): string {
  return `${kind} killed ${side} effect ${String(number)} of ${node}`
}

/** A table of outcomes, a line for each kind of death. */
export function outcomeTable(title: string, rows: readonly TableRow[]): string {
  const columns = ['what dies', 'kills', 'not reached', 'converged', 'empty plans', 'seconds']
  const lines = rows.map(({ name, outcomes, seconds }) => {
    const reached = outcomes.filter((each) => each.reached)
    const count = (test: (outcome: Outcome) => boolean) => String(reached.filter(test).length)
    return [
      name,
      String(reached.length),
      String(outcomes.length - reached.length),
      count(({ converged }) => converged),
      count(({ emptyPlan }) => emptyPlan),
      String(Math.round(seconds)),
    ]
  })
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...lines.map((line) => line[index]?.length ?? 0)),
  )
  const text = [columns, ...lines].map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '))
  return [title, ...text].join('\n')
}

/** One line of the table. */
export interface TableRow {
  readonly name: string
  readonly outcomes: readonly Outcome[]
  readonly seconds: number
}
