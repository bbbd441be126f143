import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LabError } from '../model/errors.ts'

interface Holder {
  readonly pid: number
  readonly command: string
  /** Start of the process, in clock ticks since boot: a reused pid is not the holder. */
  readonly started: string
}

/**
 * Runs `work` while no other lab command on this lab holds the lock. A lock whose holder was killed is taken over.
 * Throws `BUSY`, naming the holder, when it is held.
 */
export async function withLock<T>(stateDirectory: string, command: string, work: () => Promise<T>): Promise<T> {
  const file = join(stateDirectory, 'lock')
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
  await acquire(file, command)
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

async function acquire(file: string, command: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(file, command)) return
    const holder = await readHolder(file)
    if (holder !== undefined && (await isAlive(holder))) {
      throw new LabError('BUSY', `"lab ${holder.command}" is at work on this lab (process ${String(holder.pid)})`, {
        where: file,
        hint: 'wait for it to end, or stop it with Ctrl-C, then run this again',
      })
    }
    await removeStale(file)
  }
  throw new LabError('BUSY', 'another lab command took the lock at the same moment', { hint: 'run this again' })
}

/** Makes the lock file with its content in one step (a link fails where the name is taken). */
async function create(file: string, command: string): Promise<boolean> {
  const holder: Holder = { pid: process.pid, command, started: (await processStart(process.pid)) ?? '' }
  const draft = `${file}.${String(process.pid)}`
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 })
  try {
    await link(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** Takes a dead holder's lock away. Somebody else may have taken it over since it was read: theirs is put back. */
async function removeStale(file: string): Promise<void> {
  const aside = `${file}.${String(process.pid)}.stale`
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const holder = await readHolder(aside)
  if (holder !== undefined && (await isAlive(holder))) await rename(aside, file)
  else await rm(aside)
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder
  } catch {
    // Gone in the meantime, or its writer died before it wrote: nobody holds it.
    return undefined
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const started = await processStart(holder.pid)
  return started === undefined || holder.started === '' || started === holder.started
}

/** Field 22 of /proc/<pid>/stat (proc(5)); undefined where there is no /proc. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
