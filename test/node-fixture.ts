import { afterAll, beforeAll } from 'vitest'
import type { Connection } from '../src/model/connection.ts'
import type { NodeSpec } from '../src/model/lab-spec.ts'
import { ensureMachines } from '../src/workflows/machines.ts'
import type { OpenLab } from '../src/workflows/open-lab.ts'
import { openTestLab } from './test-lab.ts'

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
  const { open, nodes, close } = await openTestLab(names)
  const destroy = async () => {
    for (const { name } of nodes) await open.provider.destroy(name)
    await open.provider.cleanUp({ images: false })
    await close()
  }
  try {
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
      // Not the first connection: a test may have started the node anew.
      const { status, stdout, stderr } = await (await present().connect('node1')).script(`set -e\n${script}`)
      if (status !== 0) throw new Error(`${script}: exited with ${String(status)}: ${stderr}`)
      return stdout.trim()
    },
  }
}
