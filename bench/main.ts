import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Lab, projectSpec } from './lab.ts'
import { json, table } from './report.ts'
import { Undo, type Bench, type Options, type Session } from './session.ts'

const USAGE = `Usage: npm run bench -- [options] <bench...>

Figures of lab, both sides of a comparison in one run. The benches:

LIST
  all            all of these, in this order

Options:
  --lab <directory>   measure this lab, which is up, and leave it standing (default: one of its own, destroyed at the end)
  --rounds <n>        how often each side runs
  --json              one JSON document a bench
  --nodes <n,...>     many: labs of this many nodes (default: 4,17,50)
  --gib <n,...>       move-volume: volumes of this size (default: 1,4,8)
  --demo              up: lab demo as well
  --from-nothing      up: without any image of lab in the engine, if there is none now
`

/** In the order in which one lab serves them all. */
const BENCHES = [
  'commands',
  'site',
  'playbooks',
  'scale',
  'move-volume',
  'volumes',
  'node-loss',
  'leader-loss',
  'up',
  'many',
]

/** Runs the benches that were asked for; answers with the exit code. */
export async function main(root: string, argv: readonly string[]): Promise<number> {
  let asked: ReturnType<typeof readArguments>
  try {
    asked = readArguments(argv)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 64
  }
  if (asked.names.length === 0) {
    console.log(USAGE.replace('LIST', (await listing()).join('\n')))
    return 0
  }
  const interrupted = new AbortController()
  // Each command under way listens to it.
  setMaxListeners(0, interrupted.signal)
  let signalled = 0
  for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
    process.on(signal, () => {
      signalled = number
      if (interrupted.signal.aborted) console.error('bench: still cleaning up')
      else interrupted.abort()
    })
  }
  const code = await runAll(root, asked.names, asked.options, interrupted.signal)
  return signalled === 0 ? code : 128 + signalled
}

async function runAll(root: string, names: readonly string[], options: Options, signal: AbortSignal): Promise<number> {
  const temporary = await mkdtemp(join(tmpdir(), 'lab-bench-'))
  const atEnd = new Undo()
  atEnd.push(() => rm(temporary, { recursive: true, force: true }))
  let failed = 0
  const aborted = () => signal.aborted
  const complain = (what: string, error: unknown) => {
    failed++
    console.error(`bench: ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const labs = { made: 0, shared: undefined as Promise<Lab> | undefined }
  const newLab = async (undo: Undo, spec?: string) => {
    const directory = join(temporary, `lab${String(++labs.made)}`)
    await mkdir(directory)
    await writeFile(join(directory, 'lab.yml'), spec ?? (await projectSpec(root)))
    const lab = new Lab(root, directory, signal)
    undo.push(() => lab.destroy())
    return lab
  }
  const sharedLab = async () => {
    const lab = options.lab === undefined ? await newLab(atEnd) : new Lab(root, resolve(options.lab), signal)
    await lab.up()
    return lab
  }
  try {
    for (const name of names) {
      if (aborted()) break
      const undo = new Undo()
      const say = (text: string) => console.error(`${name}: ${text}`)
      const session: Session = {
        root,
        temporary,
        options,
        signal,
        say,
        lab: () => {
          if (labs.shared === undefined) say('bring up a lab')
          return (labs.shared ??= sharedLab())
        },
        newLab: (spec) => newLab(undo, spec),
        defer: (step) => undo.push(step),
      }
      try {
        const bench = await load(name)
        const { rows, notes = [] } = await bench.run(session)
        const report = { bench: name, title: bench.title, rows, notes }
        console.log(options.json ? json(report) : table(report))
      } catch (error) {
        if (!aborted()) complain(name, error)
      } finally {
        for (const error of await undo.all()) complain(`${name}, cleaning up`, error)
      }
    }
  } finally {
    for (const error of await atEnd.all()) complain('cleaning up', error)
    if (existsSync(temporary))
      console.error(`bench: left behind: ${(await readdir(temporary)).join(', ')} in ${temporary}`)
  }
  return failed === 0 ? 0 : 1
}

function readArguments(argv: readonly string[]): { readonly names: readonly string[]; readonly options: Options } {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      lab: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'boolean', default: false },
      nodes: { type: 'string', default: '' },
      gib: { type: 'string', default: '' },
      demo: { type: 'boolean', default: false },
      'from-nothing': { type: 'boolean', default: false },
    },
  })
  const names = positionals.flatMap((name) => (name === 'all' ? BENCHES : [name]))
  const unknown = names.find((name) => !BENCHES.includes(name))
  if (unknown !== undefined) throw new Error(`there is no bench "${unknown}"; known: ${BENCHES.join(', ')}, all`)
  return {
    names,
    options: {
      ...(values.rounds === undefined ? {} : { rounds: count(values.rounds) }),
      ...(values.lab === undefined ? {} : { lab: values.lab }),
      json: values.json,
      nodes: counts(values.nodes),
      gib: counts(values.gib),
      demo: values.demo,
      fromNothing: values['from-nothing'],
    },
  }
}

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`"${text}" is not a number from 1 up`)
  return Number(text)
}

/** `4,17,50` as numbers; none of an empty text. */
function counts(text: string): readonly number[] {
  return text === '' ? [] : text.split(',').map(count)
}

async function listing(): Promise<readonly string[]> {
  return Promise.all(BENCHES.map(async (name) => `  ${name.padEnd(14)} ${(await load(name)).summary}`))
}

async function load(name: string): Promise<Bench> {
  const module = (await import(new URL(`./${name}.js`, import.meta.url).href)) as { readonly bench: Bench }
  return module.bench
}
