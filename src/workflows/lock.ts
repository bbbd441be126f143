import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LabError } from '../model/errors.ts'
import { draftOf, isRunning, removeDrafts } from '../secrets/drafts.ts'

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
    await removeDrafts(stateDirectory)
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

/** Throws `BUSY`, naming the holder, where a command holds the lock of a directory. */
export async function refuseWhileLocked(stateDirectory: string): Promise<void> {
  const file = join(stateDirectory, 'lock')
  const holder = await holderOf(file)
  if (holder !== 'none' && holder !== 'gone') throw busy(holder, file)
}

function busy(holder: Holder, file: string): LabError {
  return new LabError('BUSY', `"lab ${holder.command}" is at work on this lab (process ${String(holder.pid)})`, {
    where: file,
    hint: 'wait for it to end, or stop it with Ctrl-C, then run this again',
  })
}

async function acquire(file: string, command: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await put(file, command, link)) return
    const holder = await holderOf(file)
    if (holder === 'none') continue
    if (holder !== 'gone') throw busy(holder, file)
    if (await takeOver(file, command)) return
  }
  throw new LabError('BUSY', 'another lab command took the lock at the same moment', { hint: 'run this again' })
}

/**
 * Puts this command in the place of a holder that is gone. Between looking and doing somebody else may have done so: that
 * both happen undivided takes a lock in turn, and a killed one's of those is taken over likewise. At no time is there none.
 */
async function takeOver(file: string, command: string): Promise<boolean> {
  const turn = `${file}.turn`
  await acquire(turn, command)
  try {
    return (await holderOf(file)) === 'gone' && (await put(file, command, rename))
  } finally {
    await rm(turn, { force: true })
  }
}

/** Makes the lock file with its content in one step; a link fails where the name is taken. */
async function put(file: string, command: string, place: typeof link | typeof rename): Promise<boolean> {
  const holder: Holder = { pid: process.pid, command, started: (await processStart(process.pid)) ?? '' }
  const draft = draftOf(file)
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 })
  try {
    await place(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** Who holds the lock; `gone` where there is one that nobody holds any more. */
async function holderOf(file: string): Promise<Holder | 'none' | 'gone'> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
  try {
    const holder = JSON.parse(text) as Holder
    return (await isAlive(holder)) ? holder : 'gone'
  } catch (error) {
    // The machine died before what was written reached its disk.
    if (error instanceof SyntaxError) return 'gone'
    throw error
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (!isRunning(holder.pid)) return false
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
