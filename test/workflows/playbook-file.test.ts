import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { glob } from 'zx'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
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
const state = () => openStateDirectory(join(directory, 'state'))
const write = (files: Readonly<Record<string, string>>) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
}
const modules = () => glob.sync(join(directory, 'state/compiled/*/*.mjs'))
const load = (text: string) => {
  write({ 'mine/play.ts': text })
  return loadPlaybook(join(directory, 'mine/play.ts'), product(), state())
}

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-test-')))
  write(PRODUCT)
})
afterEach(() => {
  return rm(directory, { recursive: true, force: true })
})

describe('a playbook of one’s own', () => {
  it('is TypeScript that imports lab, its steps, files beside it, and packages of lab', async () => {
    write({ 'mine/names.ts': 'export const path: string = "/etc/motd"' })
    const playbook = await load(`
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
  })

  it('shares lab with the process that runs it, however often it is loaded', async () => {
    const text = `import { playbook } from 'lab'\nexport default playbook({ name: 'x', plays: [] })`
    const before = (globalThis as { labLoaded?: number }).labLoaded ?? 0
    await load(text)
    await load(text)
    expect((globalThis as { labLoaded?: number }).labLoaded).toBe(before + 1)
  })

  it('is compiled once, with a map back to its source, and for its owner only', async () => {
    const text = `export default { name: 'x', plays: [] }`
    await load(text)
    const [compiled = ''] = modules()
    expect(statSync(compiled).mode & 0o777).toBe(0o600)
    const map = JSON.parse(readFileSync(`${compiled}.map`, 'utf8')) as { sources: readonly string[] }
    expect(map.sources.map((source) => resolve(dirname(compiled), source))).toEqual([join(directory, 'mine/play.ts')])
    const { mtimeMs } = statSync(compiled)
    await load(text)
    expect(statSync(compiled).mtimeMs).toBe(mtimeMs)
  })

  it.each([
    [
      'its own text',
      { 'mine/play.ts': `import { name } from './name.ts'\nexport default { name: name + '!', plays: [] }` },
    ],
    ['a file it imports', { 'mine/name.ts': `export const name = 'second!'` }],
    ['a package beside it', { 'mine/node_modules/ours/index.js': 'module.exports = { from: "me!" }' }],
    ['the lab that runs it', { 'other/src/index.js': '', 'other/src/steps/file.js': '' }],
  ])('is compiled anew after a change of %s', async (what, files) => {
    write({ 'mine/name.ts': `import ours from 'ours'\nexport const name = 'first by ' + ours.from` })
    const text = `import { name } from './name.ts'\nexport default { name, plays: [] }`
    expect((await load(text)).name).toBe('first by lab')
    const before = modules()
    write({ 'mine/play.ts': text, ...files })
    const now = { ...product(), ...(what.includes('lab') ? { compiled: join(directory, 'other') } : {}) }
    const { name } = await loadPlaybook(join(directory, 'mine/play.ts'), now, state())
    if (what.includes('lab')) expect(name).toBe('first by lab')
    else expect(name).toMatch(/!$/)
    // The one before stays, for a run that is about to read it.
    expect(modules()).toEqual(expect.arrayContaining(what.includes('lab') ? [] : [...before]))
    write({ 'mine/play.ts': `export default { name: 'third', plays: [] }` })
    expect((await loadPlaybook(join(directory, 'mine/play.ts'), now, state())).name).toBe('third')
    expect(modules().length).toBeLessThanOrEqual(2)
  })

  it('knows where it and files beside it were written, as if it had not been compiled', async () => {
    write({
      'mine/deep/beside.ts': 'export const place = [import.meta.url, import.meta.dirname, import.meta.filename]',
    })
    const playbook = await load(
      `import { place } from './deep/beside.ts'\nexport default { name: [import.meta.url, ...place].join(), plays: [] }`,
    )
    const mine = join(directory, 'mine')
    expect(playbook.name.split(',')).toEqual([
      `file://${mine}/play.ts`,
      `file://${mine}/deep/beside.ts`,
      `${mine}/deep`,
      `${mine}/deep/beside.ts`,
    ])
  })

  it.each([
    ['const x: string | undefined = undefined\n\nexport default x.length', /broke: TypeError: /, /play\.ts:3$/],
    [`import { wrong } from './wrong.ts'\nwrong()`, /broke: RangeError: too far/, /wrong\.ts:2$/],
    [`export default { name: 'x', play: [], plays: [] }`, /unknown option "play"/, /play\.ts$/],
    [
      `export default { name: 'x', plays: [{ name: 'p', host: 'a', hosts: 'a', steps: [] }] }`,
      /play "p" has an unknown option "host"/,
      /play\.ts$/,
    ],
    [
      `export default { name: 'x', plays: [{ name: 'p', hosts: 'a' }] }`,
      /play "p": "steps" must be a list/,
      /play\.ts$/,
    ],
  ])('that breaks is blamed on its own line: %j', async (text, message, where) => {
    write({ 'mine/wrong.ts': 'export function wrong() {\n  throw new RangeError("too far")\n}' })
    await expect(load(text)).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringMatching(message) as string,
      where: expect.stringMatching(where) as string,
    })
  })

  it('whose functions break is blamed on their lines too', async () => {
    const playbook = await load(
      `export default { name: 'x', plays: () => [{ name: 'p',\n hosts: (node) => node.no.thing,\n steps: (node) => node.no.thing }] }`,
    )
    const [play] = (
      playbook.plays as unknown as (site: unknown) => { hosts: (n: unknown) => void; steps: (n: unknown) => void }[]
    )({})
    expect(() => play?.hosts({})).toThrow(
      expect.objectContaining({ where: expect.stringMatching(/play\.ts:2$/) as string }),
    )
    expect(() => play?.steps({})).toThrow(
      expect.objectContaining({ where: expect.stringMatching(/play\.ts:3$/) as string }),
    )
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
    await expect(loadPlaybook(join(directory, 'none.ts'), product(), state())).rejects.toMatchObject({
      exitCode: 64,
    })
  })
})
