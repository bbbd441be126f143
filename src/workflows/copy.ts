import { dirname } from 'node:path/posix'
import { pipeline } from 'node:stream/promises'
import { LabError, UsageError } from '../model/errors.ts'
import { listServices } from '../swarm/services.ts'
import { renamed, type Copied } from './copy-archive.ts'
import { containerEnd, localEnd, nodeEnd, type FileEnd, type Transfer } from './copy-ends.ts'
import { landing, parseEnd, type CopyEnd, type Landing } from './copy-paths.ts'
import type { OpenLab } from './open-lab.ts'
import { runningTask } from './running-task.ts'
import { runTask } from './task.ts'

/** What to copy where: `node1:/path`, `service:/path` or a path on this machine. */
export interface CopyOptions {
  readonly from: string
  readonly to: string
  /** What relative local paths are relative to. */
  readonly workingDirectory: string
}

const PROGRESS_MS = 500

/** Copies a file or a directory between this machine, nodes and containers, as `cp -r` would. */
export async function copy(lab: OpenLab, options: CopyOptions): Promise<Readonly<Copied>> {
  const started = performance.now()
  const nodes = lab.spec.nodes.map(({ name }) => name)
  const services = await servicesIfNeeded(lab, [options.from, options.to], nodes)
  const from = parseEnd(options.from, nodes, services)
  const to = parseEnd(options.to, nodes, services)
  if (from.kind === 'local' && to.kind === 'local') {
    throw new UsageError('both paths are of this machine', { hint: 'write NODE:PATH or SERVICE:PATH for one of them' })
  }
  const [source, target] = await Promise.all([openEnd(lab, from, options), openEnd(lab, to, options)])
  const [fromKind, toKind, parent] = await Promise.all([
    source.kindOf(from.path),
    target.kindOf(to.path),
    target.kindOf(dirname(to.path)),
  ])
  const place = landing({ ...from, kind: fromKind }, { ...to, kind: toKind }, parent)
  const copied: Copied = { files: 0, bytes: 0 }
  await runTask(lab.emit, `copy ${from.shown} to ${to.shown}`, async (task) => {
    const timer = setInterval(() => {
      task.progress(amount(copied))
    }, PROGRESS_MS)
    try {
      await transfer({ end: source, path: from.path }, { end: target, ...place }, copied, lab.signal)
    } finally {
      clearInterval(timer)
    }
    task.detail(amount(copied))
  })
  lab.emit({
    type: 'done',
    command: 'cp',
    message: `copied ${amount(copied)}`,
    durationMs: Math.round(performance.now() - started),
  })
  return copied
}

/** Moves what is at a path of one end to where it lands at the other; counts into `copied` as it goes. */
export async function transfer(
  source: { readonly end: FileEnd; readonly path: string },
  target: Landing & { readonly end: FileEnd },
  copied: Copied,
  outer: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([outer, stop.signal])
  // One that fails leaves the others waiting for ever. What the ends say tells more than what the pipe between them says.
  const watched = <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => {
      stop.abort()
    })
    return work
  }
  const opened = async <S>(opening: Promise<Transfer<S>>): Promise<Transfer<S>> => {
    const end = await opening
    return { stream: end.stream, done: watched(end.done) }
  }
  const [sending, receiving] = await Promise.all([
    opened(source.end.send(source.path, signal)),
    opened(target.end.receive(target.directory, signal)),
  ])
  const passing = watched(pipeline(renamed(sending.stream, target.name, copied), receiving.stream, { signal }))
  const work = [receiving.done, sending.done, passing]
  const failures = (await Promise.allSettled(work)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  outer.throwIfAborted()
  if (failures.length > 0) throw failures.find((failure) => failure instanceof LabError) ?? failures[0]
}

/** The swarm is asked for services only when something is not a node's or this machine's. */
async function servicesIfNeeded(
  lab: OpenLab,
  texts: readonly string[],
  nodes: readonly string[],
): Promise<readonly string[]> {
  const foreign = texts.some((text) => {
    const name = /^([^/:]*):/.exec(text)?.[1]
    return name !== undefined && !nodes.includes(name)
  })
  if (!foreign) return []
  const { engine } = await lab.manager()
  return (await listServices(engine, lab.signal)).map(({ name }) => name)
}

async function openEnd(lab: OpenLab, end: CopyEnd, { workingDirectory }: CopyOptions): Promise<FileEnd> {
  if (end.kind === 'local') return localEnd(workingDirectory)
  if (end.kind === 'node') return nodeEnd(await lab.connect(end.name))
  const { node, containerId } = await runningTask(lab, end.name, undefined)
  return containerEnd((await lab.engine(node)).getContainer(containerId), end.shown)
}

function amount({ files, bytes }: Copied): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, bytes === 0 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const size = bytes / 1000 ** power
  return `${String(files)} ${files === 1 ? 'file' : 'files'}, ${size.toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ''}`
}
