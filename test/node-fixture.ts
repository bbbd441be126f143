import { randomBytes } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { labIdentity } from '../src/config/identity.ts'
import type { Connection } from '../src/model/connection.ts'
import type { LabSpec, NodeSpec, Role } from '../src/model/lab-spec.ts'
import { ensureMachines } from '../src/workflows/machines.ts'
import { openLab, type OpenLab } from '../src/workflows/open-lab.ts'

/** Fresh nodes of a lab of their own: systemd, sshd and an engine that is not configured yet. */
export interface TestNodes {
  readonly open: OpenLab
  readonly nodes: readonly NodeSpec[]
  readonly connect: (node: string) => Promise<Connection>
  /** Leaves nothing behind but images. */
  destroy(): Promise<void>
}

/**
 * Starts nodes through the docker provider. Call it in `beforeAll` and `destroy()` in `afterAll`; two test files, or two
 * checkouts, never share a node.
 */
export async function startNodes(...names: readonly string[]): Promise<TestNodes> {
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
  const destroy = async () => {
    await open.close()
    for (const { name } of nodes) await open.provider.destroy(name)
    await open.provider.cleanUp({ images: false })
    await rm(directory, { recursive: true })
  }
  try {
    await open.provider.prepare(() => undefined, open.signal)
    await ensureMachines(open)
    for (const name of names) await open.connect(name)
  } catch (error) {
    await destroy()
    throw error
  }
  return { open, nodes, connect: (node) => open.connect(node), destroy }
}

/** One fresh node, for tests that need no second. */
export async function startNode(): Promise<{ connection: Connection; destroy(): Promise<void> } & TestNodes> {
  const started = await startNodes('node1')
  return { ...started, connection: await started.connect('node1') }
}

/** The node of a test file; it is there once its tests run. */
export interface UsedNode extends TestNodes {
  readonly connection: Connection
  /** What a script printed, without the blanks around it. A script of which any command fails is an error. */
  readonly sh: (script: string) => Promise<string>
}

/** One fresh node for all tests of a file, gone after them. */
export function useNode(): UsedNode {
  let started: Awaited<ReturnType<typeof startNode>> | undefined
  const present = () => {
    if (started === undefined) throw new Error('the node is there once the tests run, and not before')
    return started
  }
  beforeAll(async () => {
    started = await startNode()
  })
  afterAll(() => started?.destroy())
  return {
    get open() {
      return present().open
    },
    get nodes() {
      return present().nodes
    },
    get connection() {
      return present().connection
    },
    connect: (name) => present().connect(name),
    destroy: () => present().destroy(),
    async sh(script) {
      const { status, stdout, stderr } = await present().connection.script(`set -e\n${script}`)
      if (status !== 0) throw new Error(`${script}: exited with ${String(status)}: ${stderr}`)
      return stdout.trim()
    },
  }
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
