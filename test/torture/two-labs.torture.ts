import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { lab, labDocument, labId, labOk, status, type Status } from '../e2e/harness.ts'
import { hostState } from './host-state.ts'

/** `npm run torture -- two-labs --cycles 10` */
const CYCLES = Number(process.env['LAB_TORTURE_CYCLES'] ?? 10)
const NAMES = ['one', 'two']
const LAB_YML = `nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: solo, roles: [worker, registry, logs] }
volumes: { poolSize: 1GiB }
`
/** What else runs on the host may be at work on things of its own when it is looked at. */
const SETTLED_MS = 60_000

let root: string
let directories: readonly string[]
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-two-'))
  env = { TMPDIR: join(root, 'tmp') }
  await mkdir(join(root, 'tmp'))
  directories = NAMES.map((name) => join(root, name))
  for (const [index, directory] of directories.entries()) {
    await mkdir(directory)
    await writeFile(join(directory, 'lab.yml'), `name: ${NAMES[index] ?? ''}\n${LAB_YML}`)
  }
  // What the first lab of a host makes for all after it: compiled code, images.
  await each(['up'])
  await each(['destroy', '--yes'])
})
afterAll(async () => {
  await Promise.all(directories.map((cwd) => lab(['destroy', '--yes'], { cwd, env })))
  await rm(root, { recursive: true, force: true })
})

/** The same command in both labs at the same time. */
async function each(args: readonly string[]): Promise<void> {
  await Promise.all(directories.map((cwd) => labOk(args, { cwd, env, timeoutMs: 900_000 })))
}

/** The status of a lab all of whose nodes run. */
async function standing(cwd: string): Promise<Status> {
  return waitFor(
    async () => {
      const seen = await status({ cwd, env })
      return seen.nodes.length === 2 && seen.nodes.every(({ state }) => state === 'running') ? seen : undefined
    },
    { deadlineMs: SETTLED_MS, what: `both nodes of ${cwd} to run` },
  )
}

test(`${String(CYCLES)} lives of two labs at the same time leave nothing on the host`, async () => {
  const ids = await Promise.all(directories.map((cwd) => labId(cwd)))
  expect(new Set(ids).size).toBe(2)
  const before = await hostState(ids)
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    await each(['up'])
    // On a host that is busy a glance may miss a node.
    const [one, two] = await Promise.all(directories.map(standing))
    const networks = [one, two].map((seen) => seen?.nodes[0]?.address.split('.').slice(0, 3).join('.'))
    expect(new Set(networks).size, networks.join(' and ')).toBe(2)
    expect(one?.edge).not.toBe(two?.edge)
    const { labs } = await labDocument<{ readonly labs: readonly { readonly id: string }[] }>(['ls'], { env })
    expect(labs.map(({ id }) => id)).toEqual(expect.arrayContaining(ids))
    await each(['destroy', '--yes'])
    let seen = before
    await waitFor(
      async () => {
        seen = await hostState(ids)
        return JSON.stringify(seen) === JSON.stringify({ ...before, images: seen.images }) || undefined
      },
      { deadlineMs: SETTLED_MS, what: `nothing to be left after life ${String(cycle)}` },
    ).catch(() => {
      expect(seen).toEqual(before)
    })
    for (const directory of directories) expect(await readdir(directory)).toEqual(['lab.yml'])
    expect(await readdir(join(root, 'tmp'))).toEqual([])
    console.log(`life ${String(cycle)} of ${String(CYCLES)}: nothing is left`)
  }
})
