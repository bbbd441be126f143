import { execa } from 'execa'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { Confirm } from '../../src/executor/host.ts'
import { runPlays } from '../../src/executor/run-plays.ts'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import type { NodeSpec } from '../../src/model/lab-spec.ts'
import type { Play, Step } from '../../src/model/step.ts'
import { command } from '../../src/steps/command.ts'

// This machine's shell in the place of a node's; `$NODE` is the directory that stands for the node.
let directory: string
/** The nodes that something was executed on, in order. */
export const execs: string[] = []

/** Gives each test of a file nodes of its own. To be called by each file: modules are loaded once for all of them. */
export function useFlowNodes(): void {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flow-'))
    execs.splice(0)
  })
  afterEach(() => rm(directory, { recursive: true }))
}

const NODES: readonly NodeSpec[] = ['mgmt', 'node1', 'node2', 'node3'].map((name) => ({
  name,
  roles: name === 'mgmt' ? ['manager'] : ['worker'],
  memoryBytes: undefined,
  cpus: undefined,
  vars: {},
  ...(name === 'node2' || name === 'node3' ? { groups: ['web'] } : {}),
}))

function shell(node: string): Connection {
  const home = join(directory, node)
  return {
    node,
    script: async (text: string) => {
      execs.push(node)
      const input = `mkdir -p ${home}; ${text.replaceAll('/run/lab', join(home, 'run'))}`
      const env = { NODE: home }
      const { stdout, stderr, exitCode } = await execa('sh', { input, env, reject: false, stripFinalNewline: false })
      return { stdout, stderr, status: exitCode ?? -1 }
    },
  } as Connection
}

/** A file on the node with a content; `text` fails when it is `fail`. */
export function write(name: string, text: string): Step {
  const run = text === 'fail' ? 'echo no room left >&2; exit 3' : `printf %s ${text} >"$NODE/${name}"`
  return command({ title: `${name} is ${text}`, run, unless: `[ "$(cat "$NODE/${name}" 2>&1)" = ${text} ]` })
}
/** A line more in a file, each time. */
export const note = (name: string) => command({ title: `note ${name}`, run: `echo x >>"$NODE/${name}"`, always: true })
export const on = (hosts: Play['hosts'], ...steps: Step[]): Play => ({ name: 'play', hosts, steps })
/** A file below the directory of all nodes, undefined where it is not. */
export const read = (path: string) => readFile(join(directory, path), 'utf8').catch(() => undefined)

interface Options {
  readonly mode?: 'apply' | 'plan'
  readonly limit?: readonly string[]
  readonly startAt?: string
  readonly confirm?: Confirm
  readonly down?: string
}

/** Runs plays on the nodes of this file. */
export async function run(plays: readonly Play[], options: Options = {}) {
  const outcomes: string[] = []
  const notices: string[] = []
  const summary = await runPlays({
    plays,
    nodes: NODES,
    connect: (name) =>
      name === options.down ? Promise.reject(new LabError('UNREACHABLE', 'down')) : Promise.resolve(shell(name)),
    mode: 'apply',
    again: 'lab run it.ts',
    emit: (event) => {
      if (event.type === 'step') outcomes.push(`${event.node}: ${event.title.split('\n')[0] ?? ''}: ${event.outcome}`)
      if (event.type === 'notice') notices.push(event.message)
    },
    signal: new AbortController().signal,
    ...options,
  })
  return { summary, outcomes, notices }
}

/** The directory that holds one for each node. */
export const home = () => directory
