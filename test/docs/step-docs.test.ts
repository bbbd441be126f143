import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { pages, readSteps } from '../../scripts/step-docs.mjs'
import * as lab from '../../src/index.ts'
import * as local from '../../src/local.ts'
import { exampleModule, examplesOf, factoriesOf } from './step-example.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const steps = readSteps()

test('the pages in docs/steps are what the sources say', { timeout: 60_000 }, async () => {
  const wanted = await pages(steps)
  const directory = join(ROOT, 'docs/steps')
  const differing = [...wanted].filter(([file, text]) => text !== read(join(directory, file))).map(([file]) => file)
  const stale = readdirSync(directory).filter((file) => !wanted.has(file))
  expect([...differing, ...stale], 'npm run docs writes them').toEqual([])
})

test('every step says what it means, shows an example; every option says what it is', () => {
  const lacking = steps.flatMap(({ name, functions }) =>
    functions.flatMap((made) => [
      ...(made.meaning === '' ? [`${name}: ${made.name} says nothing`] : []),
      ...(made.isFactory && made.examples.length === 0 ? [`${name}: no example`] : []),
      ...made.shapes.flatMap(({ options }) =>
        options
          .filter(({ meaning, fallback }) => meaning === '' && fallback === undefined)
          .map((option) => `${name}: option ${option.name} says nothing`),
      ),
    ]),
  )
  expect(lacking).toEqual([])
})

test('what the modules of Ansible are called here is there: steps, their options, what playbooks import', () => {
  const [modules = ''] = (read(join(ROOT, 'docs/from-ansible.md')) ?? '').split('## Around the modules')
  const rows = modules
    .split('\n')
    .flatMap((line) => (line.startsWith('| `') ? [line.split(/(?<!\\)\|/).slice(1, -1)] : []))
  expect(rows.length).toBeGreaterThanOrEqual(40)
  const made = steps.flatMap(({ functions }) => functions.map(({ name }) => name))
  const options = steps.flatMap(({ functions }) =>
    functions.flatMap(({ shapes }) => shapes.flatMap((shape) => shape.options.map(({ name }) => name))),
  )
  const known = new Set([
    ...made,
    ...options,
    ...Object.keys(lab),
    ...Object.keys(local),
    'const',
    'import',
    'throw',
    'console',
  ])
  const unknown = rows.flatMap(([module = '', here = '']) =>
    [...here.matchAll(/`([^`]+)`/g)]
      .map(([, code = '']) => code)
      .filter((code) => !code.startsWith('lab ') && !known.has(/^\w+/.exec(code)?.[0] ?? ''))
      .map((code) => `${module.trim()}: ${code}`),
  )
  expect(unknown).toEqual([])
})

test('every example is valid TypeScript, imported as a user imports it', { timeout: 120_000 }, async () => {
  const examples = examplesOf(steps)
  expect(examples.length).toBeGreaterThanOrEqual(steps.length)
  const directory = await mkdtemp(join(tmpdir(), 'lab-examples-'))
  try {
    const files = await Promise.all(
      examples.map(async (example) => {
        const file = join(directory, `${example.name}.mts`)
        await writeFile(file, exampleModule(example, factoriesOf(steps)))
        return file
      }),
    )
    expect(typeErrors(files)).toEqual([])
    const wrong = join(directory, 'wrong.mts')
    const code = "file({ path: '/etc/motd', contents: 'hello' })"
    const imports = ["import { file } from 'lab/steps/file'"]
    await writeFile(wrong, exampleModule({ code, imports }, factoriesOf(steps)))
    expect(typeErrors([wrong]).join()).toContain("'contents' does not exist")
  } finally {
    await rm(directory, { recursive: true })
  }
})

function typeErrors(files: readonly string[]): readonly string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown
  }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
  const program = ts.createProgram(files, {
    ...options,
    paths: { lab: [join(ROOT, 'src/index.ts')], 'lab/*': [join(ROOT, 'src/*.ts')] },
    typeRoots: [join(ROOT, 'node_modules/@types')],
  })
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
