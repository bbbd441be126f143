import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Process and number of a draft, at the end of its name. */
const DRAFT = /\.(\d+)-\d+\.new$/

let drafts = 0

/** Name for what is about to take the place of `file` in one step; no two are the same. */
export function draftOf(file: string): string {
  return `${file}.${String(process.pid)}-${String(++drafts)}.new`
}

/** Takes away, at any depth, the drafts of processes that are gone: killed, they left them behind. */
export async function removeDrafts(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const pid = DRAFT.exec(entry.name)?.[1]
      if (pid === undefined || isRunning(Number(pid))) return
      await rm(join(entry.parentPath, entry.name), { force: true })
    }),
  )
}

/** Whether there is a process of this number, whoever's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
