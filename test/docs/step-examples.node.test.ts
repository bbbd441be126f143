import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSteps } from '../../scripts/step-docs.mjs'
import type { Step } from '../../src/model/step.ts'
import { startNode } from '../node-fixture.ts'
import { converge } from '../steps/play-runner.ts'
import { FIXTURES } from './example-fixtures.ts'
import { exampleModule, examplesOf, factoriesOf, type NamedExample } from './step-example.ts'

const SOURCES = new URL('../../src', import.meta.url).pathname
const steps = readSteps()
const examples = examplesOf(steps)

let node: Awaited<ReturnType<typeof startNode>>
let directory: string
beforeAll(async () => {
  node = await startNode()
  directory = await mkdtemp(join(tmpdir(), 'lab-examples-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
  await node.destroy()
})

test('fixtures are for steps that exist', () => {
  const names = new Set(examples.map(({ step }) => step))
  expect(Object.keys(FIXTURES).filter((name) => !names.has(name))).toEqual([])
})

// One node for all of them, as one playbook would find it: an example must not be in the way of another.
describe.each(steps.map(({ name }) => name))('examples of %s', (step) => {
  const own = examples.filter((example) => example.step === step)
  beforeAll(async () => {
    const { prepare, files = {} } = FIXTURES[step] ?? {}
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
    await prepare?.(node.connection)
  })

  test.each(own)('$name: applied, and then nothing is left to do', async (example) => {
    const made = await load(example)
    expect(made.length).toBeGreaterThan(0)
    await converge(node, made)
  })
})

/** The steps of an example. Its imports are of lab's sources here, so that one executor runs them. */
async function load(example: NamedExample): Promise<readonly Step[]> {
  const text = exampleModule(example, factoriesOf(steps))
    .replaceAll("'lab'", `'${SOURCES}/index.ts'`)
    .replaceAll(/'lab\/(steps\/[\w-]+)'/g, `'${SOURCES}/$1.ts'`)
  const file = join(directory, `${example.name}.ts`)
  await writeFile(file, text)
  const module = (await import(pathToFileURL(file).href)) as { readonly default: readonly Step[] }
  return module.default
}
