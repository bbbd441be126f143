import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { doubtDisks, noteDisks, presentDisks } from '../../src/workflows/disks.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'

const MIB = 2 ** 20
const lab = (disks: string) =>
  parseLab(`nodes: [{ name: mgmt, roles: [manager, build, edge, registry, logs, worker]${disks} }, { name: node1 }]`, {
    file: 'lab.yml',
    defaultName: 'lab',
  })
const without = lab('')
const withData = lab(', disks: { data: 512MiB }')

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-disks-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** A lab of which mgmt runs and has these disks, as its own script says it. */
function open(spec: OpenLab['spec'], says = ''): OpenLab & { readonly asked: string[] } {
  const asked: string[] = []
  const connect = (node: string) => {
    asked.push(node)
    return Promise.resolve({ script: () => Promise.resolve({ status: 0, stdout: says, stderr: '' }) })
  }
  const machines = () =>
    Promise.resolve([
      { name: 'mgmt', state: 'running' },
      { name: 'node1', state: 'stopped' },
    ])
  return { spec, state: openStateDirectory(directory), machines, connect, asked } as unknown as OpenLab & {
    readonly asked: string[]
  }
}

test('what is noted is believed, and nobody asked', async () => {
  await noteDisks(open(withData), [])
  const later = open(without)
  expect(await presentDisks(later)).toEqual({ mgmt: { data: 512 * MIB } })
  expect(later.asked).toEqual([])
})

test('a lab without disks costs no question', async () => {
  const never = open(without)
  await doubtDisks(never)
  expect(await presentDisks(never)).toEqual({})
  expect(never.asked).toEqual([])
})

test('after an up that did not do all it had to, nodes that run are asked', async () => {
  await noteDisks(open(without), [])
  // It made the disk, and ended early; lab.yml no longer has it.
  await doubtDisks(open(withData))
  const later = open(without, `data ${String(512 * MIB)}\n`)
  expect(await presentDisks(later)).toEqual({ mgmt: { data: 512 * MIB } })
  expect(later.asked).toEqual(['mgmt'])

  await noteDisks(later, [])
  expect(await presentDisks(open(without))).toEqual({})
})

test('a disk that was destroyed by an up that failed otherwise is gone, and one of a node that is off is remembered', async () => {
  await noteDisks(open(withData), [{ node: 'node1', disk: 'more', sizeBytes: MIB }])
  await doubtDisks(open(without))
  expect(await presentDisks(open(without))).toEqual({ mgmt: {}, node1: { more: MIB } })
})
