import { readFile, writeFile } from 'node:fs/promises'
import { waitFor } from '../../src/model/wait.ts'
import { docker } from './harness.ts'

/**
 * Stops every process of a container, and returns what lets them go on. The engine gives up pausing one whose processes do
 * not all stop within a few hundredths of a second, as on a busy machine; the kernel's freezer stops them when they can be.
 */
export async function freezeContainer(name: string): Promise<() => Promise<void>> {
  try {
    await docker('pause', name)
    return async () => {
      await docker('unpause', name)
    }
  } catch (error) {
    if (!/freeze/i.test(String(error))) throw error
  }
  const freezer = await freezerOf(name)
  await writeFile(freezer.file, freezer.freeze)
  const frozen = async () => (freezer.frozen.test(await readFile(freezer.seen, 'utf8')) ? true : undefined)
  const goOn = () => writeFile(freezer.file, freezer.thaw)
  try {
    await waitFor(frozen, { deadlineMs: 60_000, intervalMs: 20, what: `all processes of ${name} to stand still` })
  } catch (error) {
    await goOn()
    throw error
  }
  return goOn
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
