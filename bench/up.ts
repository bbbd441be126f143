import { $ } from 'zx'
import type { Lab } from './lab.ts'
import { idleCpu, IDLE_MS } from './idle.ts'
import { timed } from './measure.ts'
import type { Row } from './report.ts'
import type { Bench, Session } from './session.ts'

/** A lab's whole life, several times over. Always on labs of its own: what it measures is how they come and go. */
export const bench: Bench = {
  title: 'A lab from lab.yml to destroy, images built already',
  summary: 'lab up with images built, up again, idle memory, destroy; by option demo, from nothing',
  async run(session) {
    const { options } = session
    const found = {
      up: [] as number[],
      again: [] as number[],
      pss: [] as number[],
      stats: [] as number[],
      idle: [] as number[],
      destroy: [] as number[],
    }
    const notes: string[] = [
      'kind and k3d are not measured here. Published is one node and an app that answers (minikube 1.36, "time to Kubernetes"): ' +
        'kind 0.29 33.0 s, k3d 5.8.3 19.9 s. Of four nodes no published figure is known: nothing here compares with these.',
      'memory: of all processes on all nodes, shared pages counted once (PSS); and as docker stats counts it.',
      `idle: processor time of all nodes in ${String(IDLE_MS / 1000)} s in which nobody asks anything, in percent of one processor.`,
    ]
    const rounds = options.rounds ?? 3
    for (let round = 0; round < rounds; round++) {
      session.say(`${String(round + 1)}/${String(rounds)} up, up again, destroy`)
      const lab = await session.newLab()
      // What a first lab in a checkout does once (install, compile) is not the lab's own.
      await lab.run(['--version'])
      found.up.push(await timed(() => lab.run(['up'])))
      await lab.status()
      found.again.push(await timed(() => lab.converged(['up'])))
      const { pss, stats } = await memory(session, lab)
      found.pss.push(pss)
      found.stats.push(stats)
      found.idle.push(await idleCpu(lab))
      found.destroy.push(await timed(() => lab.run(['destroy', '--yes'])))
    }
    const rows: Row[] = [
      { what: 'lab up, new lab', unit: 'ms', values: found.up, goal: 'under 12 s' },
      { what: 'lab up, right after', unit: 'ms', values: found.again, goal: 'under 1.5 s' },
      { what: 'memory of an idle lab (PSS)', unit: 'MiB', values: found.pss, goal: 'under 800 MiB' },
      { what: 'memory of an idle lab (docker stats)', unit: 'MiB', values: found.stats },
      { what: 'processor of an idle lab', unit: '%', values: found.idle, goal: 'at most 6 %' },
      { what: 'lab destroy', unit: 'ms', values: found.destroy, goal: 'under 5 s' },
    ]
    if (options.demo) rows.push(await demo(session, 'lab demo, images built', 'under 60 s'))
    if (options.fromNothing) rows.push(...(await fromNothing(session, notes)))
    return { rows, notes }
  },
}

async function memory(session: Session, lab: Lab): Promise<{ readonly pss: number; readonly stats: number }> {
  // Kernel threads, and processes that end meanwhile, have nothing to say.
  const sum = `cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ { sum += $2 } END { print sum }'`
  const kibibytes = await lab.everywhere(`set +e; ${sum}`)
  const containers = lab.nodes.map((node) => lab.container(node))
  const { stdout } = await $({
    quiet: true,
    signal: session.signal,
  })`docker stats --no-stream --format ${'{{.MemUsage}}'} ${containers}`
  const used = stdout.trim().split('\n').map(mebibytes)
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  return { pss: total(kibibytes.map(Number)) / 1024, stats: total(used) }
}

/** `151.2MiB / 7.6GiB`, the first of the two. */
function mebibytes(text: string): number {
  const match = /^([\d.]+)([KMG])iB/.exec(text)
  if (match === null) throw new Error(`docker stats says "${text}"`)
  return Number(match[1]) * ({ K: 1 / 1024, M: 1, G: 1024 }[match[2] ?? 'M'] ?? 1)
}

async function demo(session: Session, what: string, goal: string): Promise<Row> {
  session.say(what)
  const lab = await session.newLab()
  const tookMs = await timed(() => lab.run(['demo']))
  await lab.run(['destroy', '--yes'])
  return { what, unit: 'ms', values: [tookMs], goal }
}

/**
 * Without any image: what is downloaded and built counts. Images are shared by all labs of an engine, so this is done only
 * where there are none, and what it made is removed again. Never are images taken away that others may be using.
 */
async function fromNothing(session: Session, notes: string[]): Promise<readonly Row[]> {
  const { stdout } = await $({
    quiet: true,
    signal: session.signal,
  })`docker image ls --format ${'{{.Repository}}:{{.Tag}}'} --filter reference=${'lab-*'}`
  const images = stdout.split('\n').filter((line) => line !== '')
  if (images.length > 0) {
    notes.push(
      `from nothing: left out, because this engine keeps ${String(images.length)} images of lab that all its labs share.`,
      'Where no other lab needs them, `lab destroy --yes --images` in any lab removes them; then run this again.',
    )
    return []
  }
  const rows: Row[] = []
  for (const [command, goal] of [
    ['up', 'under 90 s'],
    ['demo', 'under 4 minutes'],
  ] as const) {
    session.say(`${command} from nothing`)
    const lab = await session.newLab()
    await lab.run(['--version'])
    const tookMs = await timed(() => lab.run([command]))
    await lab.run(['destroy', '--yes', '--images'])
    rows.push({ what: `lab ${command} from nothing`, unit: 'ms', values: [tookMs], goal })
  }
  return rows
}
