import { access, constants, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '../../model/wait.ts'

/** The kernel's own switch for whether the processes of a container run. */
export interface Freezer {
  /** Returns when all of them stand still. */
  freeze(): Promise<void>
  thaw(): Promise<void>
}

/** Where a control group is told, and tells; of the first kind and of the second. */
const FIRST = { file: 'freezer.state', freeze: 'FROZEN', thaw: 'THAWED', seen: 'freezer.state', frozen: /^FROZEN/ }
const SECOND = { file: 'cgroup.freeze', freeze: '1', thaw: '0', seen: 'cgroup.events', frozen: /^frozen 1$/m }
const DEADLINE_MS = 60_000

/**
 * The freezer of the container with this id. Asks the kernel alone, because an engine that is stuck answers nothing.
 * undefined where this process has no say in it: the engine is in a machine of its own, or lab is not root.
 */
export async function freezerOf(id: string): Promise<Freezer | undefined> {
  const groups = await groupsOf(id)
  const path = (kind: string) => new RegExp(`^\\d+:${kind}:(/.*${id}[^/\n]*)`, 'm').exec(groups)?.[1]
  const [first, second] = [path('freezer'), path('')]
  const [group, words] =
    first === undefined ? [`/sys/fs/cgroup${second ?? ''}`, SECOND] : [`/sys/fs/cgroup/freezer${first}`, FIRST]
  const file = join(group, words.file)
  if (!(await isWritable(file))) return undefined
  return {
    async freeze() {
      await writeFile(file, words.freeze)
      const frozen = async () => (words.frozen.test(await readFile(join(group, words.seen), 'utf8')) ? true : undefined)
      await waitFor(frozen, { deadlineMs: DEADLINE_MS, intervalMs: 20, what: 'all processes to stand still' })
    },
    thaw: () => writeFile(file, words.thaw),
  }
}

/** The control groups of a process of the container, one a line; nothing when there is none on this host. */
async function groupsOf(id: string): Promise<string> {
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    // It may have ended meanwhile.
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
    if (groups.includes(id)) return groups
  }
  return ''
}

async function isWritable(file: string): Promise<boolean> {
  return access(file, constants.W_OK).then(
    () => true,
    () => false,
  )
}
