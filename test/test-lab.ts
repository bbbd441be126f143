import { randomBytes } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labIdentity } from '../src/config/identity.ts'
import type { LabSpec, NodeSpec, Role } from '../src/model/lab-spec.ts'
import { openLab, type OpenLab } from '../src/workflows/open-lab.ts'

/** A lab for one test file, in a directory of its own, of which nothing exists yet. */
export interface TestLab {
  readonly open: OpenLab
  readonly nodes: readonly NodeSpec[]
  /** Closes it and removes its directory; nodes it has by then stay. */
  readonly close: () => Promise<void>
}

/** Opens a lab with these nodes, under a name nobody has. */
export async function openTestLab(names: readonly string[]): Promise<TestLab> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-nodes-')))
  const nodes = names.map((name): NodeSpec => {
    const roles: readonly Role[] = ['worker']
    return { name, roles, memoryBytes: undefined, cpus: undefined, vars: {} }
  })
  const open = await openLab({
    lab: labIdentity(`test${randomBytes(3).toString('hex')}`, directory),
    spec: testSpec(nodes),
    emit: () => undefined,
    signal: new AbortController().signal,
  })
  const close = async () => {
    await open.close()
    await rm(directory, { recursive: true })
  }
  return { open, nodes, close }
}

function testSpec(nodes: readonly NodeSpec[]): LabSpec {
  return {
    name: 'test',
    provider: 'docker',
    subnet: 'auto',
    nodes,
    edge: { port: 8080, ports: [] },
    volumes: { driver: 'auto', poolSizeBytes: 2 * 1024 ** 3 },
    apps: [],
    vars: {},
  }
}
