import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadPlaybook } from '../../src/workflows/playbook-file.ts'

let directory: string

// An installation of lab with one step, and packages of its own.
const PRODUCT = {
  'product/package.json': '{ "name": "lab", "type": "module" }',
  'product/dist/src/index.js':
    'export const playbook = (book) => book\nglobalThis.labLoaded = (globalThis.labLoaded ?? 0) + 1',
  'product/dist/src/steps/file.js': `export const file = (desired) => ({ kind: 'file', desired, stack: new Error().stack })`,
  'product/node_modules/ours/package.json': '{ "name": "ours", "main": "index.js" }',
  'product/node_modules/ours/index.js': 'module.exports = { from: "lab" }',
}
const product = () => ({ directory: join(directory, 'product'), compiled: join(directory, 'product/dist') })
const write = (files: Readonly<Record<string, string>>) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
}
const load = (text: string) => {
  write({ 'mine/play.ts': text })
  return loadPlaybook(join(directory, 'mine/play.ts'), product())
}

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-test-')))
  write(PRODUCT)
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('a playbook of one’s own', () => {
  it('is TypeScript that imports lab, its steps, files beside it, and packages of lab', async () => {
    write({ 'mine/names.ts': 'export const path: string = "/etc/motd"' })
    const { playbook, dispose } = await load(`
      import { playbook } from 'lab'
      import { file } from 'lab/steps/file'
      import { readFileSync } from 'node:fs'
      import ours from 'ours'
      import { path } from './names.ts'
      interface Wanted { path: string }
      const wanted: Wanted = { path }
      export default playbook({ name: ours.from + typeof readFileSync, plays: [{ name: 'p', hosts: ['node1'], steps: [file(wanted)] }] })
    `)
    expect(playbook.name).toBe('labfunction')
    expect(playbook.plays).toMatchObject([{ steps: [{ kind: 'file', desired: { path: '/etc/motd' } }] }])
    await dispose()
  })

  it('shares lab with the process that runs it, however often it is loaded', async () => {
    const text = `import { playbook } from 'lab'\nexport default playbook({ name: 'x', plays: [] })`
    const before = (globalThis as { labLoaded?: number }).labLoaded ?? 0
    await (await load(text)).dispose()
    await (await load(text)).dispose()
    expect((globalThis as { labLoaded?: number }).labLoaded).toBe(before + 1)
  })

  it('leaves its compiled text with a map back to the source until it is disposed of', async () => {
    const { playbook, dispose } = await load('export default { name: import.meta.url, plays: [] }')
    const compiled = fileURLToPath(playbook.name)
    const map = JSON.parse(readFileSync(`${compiled}.map`, 'utf8')) as { sources: readonly string[] }
    expect(map.sources.map((source) => resolve(dirname(compiled), source))).toEqual([join(directory, 'mine/play.ts')])
    await dispose()
    expect(existsSync(dirname(compiled))).toBe(false)
  })

  it.each([
    [
      `import { fil } from 'lab/steps/fil'\nfil()`,
      /play\.ts:1:21: lab has no step "fil"; did you mean "lab\/steps\/file"\?/,
    ],
    [`const x = {\nexport default 3`, /play\.ts:2:8: /],
    [`import x from 'nowhere-to-be-found'\nexport default x`, /play\.ts:1:15: Could not resolve "nowhere-to-be-found"/],
    [`export default 3`, /play\.ts does not export a playbook/],
    [`export const book = {}`, /does not export a playbook/],
  ])('that is none is bad input, with file and line: %j', async (text, message) => {
    await expect(load(text)).rejects.toMatchObject({ exitCode: 64, message: expect.stringMatching(message) as string })
  })

  it('that is not there is bad input', async () => {
    await expect(loadPlaybook(join(directory, 'none.ts'), product())).rejects.toMatchObject({
      exitCode: 64,
    })
  })
})
