import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../../src/model/wait.ts'
import { docker } from './harness.ts'

/** The engine ends a pause sooner than this, unless something keeps it from ever ending it. */
const UNPAUSE_MS = 10_000

/**
 * Stops every process of a container, and returns what lets them go on. The engine gives up pausing one whose processes do
 * not all stop within a few hundredths of a second, as on a busy machine; the kernel's freezer stops them when they can be.
 */
export async function freezeContainer(name: string): Promise<() => Promise<void>> {
  // Asked now, because the engine may not answer later.
  const freezer = await freezerOf(name)
  try {
    await docker('pause', name)
    return () => endPause(name, freezer)
  } catch (error) {
    if (!/freeze/i.test(String(error))) throw error
  }
  const goOn = () => writeFile(freezer.file, freezer.thaw)
  try {
    await freeze(name, freezer)
  } catch (error) {
    await goOn()
    throw error
  }
  return goOn
}

/**
 * Lets the engine end a pause. Of an exec that had just begun in the container it waits for the process to say that it runs,
 * for ever: a freezer that is open for a moment lets that go on, after which the engine has to find it frozen once more.
 */
async function endPause(name: string, freezer: Freezer): Promise<void> {
  const ended = docker('unpause', name).then(
    () => true,
    () => false,
  )
  if ((await Promise.race([ended, delay(UNPAUSE_MS, 'late' as const, { ref: false })])) === true) return
  await writeFile(freezer.file, freezer.thaw)
  if (await ended) return
  await freeze(name, freezer)
  await docker('unpause', name)
}

async function freeze(name: string, freezer: Freezer): Promise<void> {
  await writeFile(freezer.file, freezer.freeze)
  const frozen = async () => (freezer.frozen.test(await readFile(freezer.seen, 'utf8')) ? true : undefined)
  await waitFor(frozen, { deadlineMs: 60_000, intervalMs: 20, what: `all processes of ${name} to stand still` })
}

interface Freezer {
  readonly file: string
  readonly freeze: string
  readonly thaw: string
  readonly seen: string
  readonly frozen: RegExp
}

/** The control group of a container, of the first or the second kind. */
async function freezerOf(name: string): Promise<Freezer> {
  const [id = '', pid = ''] = (await docker('inspect', '-f', '{{.Id}} {{.State.Pid}}', name)).trim().split(' ')
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8')
  const path = (kind: string) => new RegExp(`^\\d+:${kind}:(/.*${id}[^/\n]*)`, 'm').exec(groups)?.[1]
  const first = path('freezer')
  if (first !== undefined) {
    const file = `/sys/fs/cgroup/freezer${first}/freezer.state`
    return { file, freeze: 'FROZEN', thaw: 'THAWED', seen: file, frozen: /^FROZEN/ }
  }
  const second = path('')
  if (second === undefined) throw new Error(`${name} is in no control group that can be frozen: ${groups}`)
  const group = `/sys/fs/cgroup${second}`
  return {
    file: `${group}/cgroup.freeze`,
    freeze: '1',
    thaw: '0',
    seen: `${group}/cgroup.events`,
    frozen: /^frozen 1$/m,
  }
}
