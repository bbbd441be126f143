import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { extract } from 'tar-stream'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestApp, gatherSources } from '../../src/apps/app-sources.ts'
import { findApp } from '../../src/apps/find-app.ts'
import { readApp } from '../../src/apps/read-app.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-app-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function files(content: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, body] of Object.entries(content)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), body)
  }
}

async function read(set: Readonly<Record<string, string>> = {}, environment: Readonly<Record<string, string>> = {}) {
  const found = await findApp('./app', { workingDirectory: root, shelves: [] })
  const app = await readApp(found, { workingDirectory: root, environment, vars: {}, settings: set })
  const sources = await gatherSources(app, [join(root, 'app/.lab')])
  return { app, sources, digest: await digestApp(app, sources, {}) }
}

async function packed(sources: Awaited<ReturnType<typeof read>>['sources']): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  const entries = extract()
  Readable.from(sources.pack()).pipe(entries)
  for await (const entry of entries) {
    found[entry.header.name] =
      entry.header.type === 'symlink' ? `-> ${entry.header.linkname}` : await text(Readable.from(entry))
  }
  return found
}

test('what leaves is what is needed: contexts without what they ignore, and never keys', async () => {
  await files({
    'app/compose.yml': 'services: { web: { build: ./web, env_file: web.env } }\n',
    'app/.env': 'A=1\n',
    'app/web.env': 'B=2\n',
    'app/unrelated.txt': 'no',
    'app/web/Dockerfile': 'FROM x\n',
    'app/web/.dockerignore': 'Dockerfile\nnode_modules\n',
    'app/web/node_modules/big.js': 'no',
    'app/web/main.js': 'yes',
    'app/.lab/key': 'secret',
  })
  await symlink('main.js', join(root, 'app/web/link.js'))
  const { sources } = await read()
  const names = Object.keys(await packed(sources)).filter((name) => !name.endsWith('/') && name !== 'web')
  expect(names.sort()).toEqual([
    '.env',
    'compose.yml',
    'web.env',
    'web/.dockerignore',
    'web/Dockerfile',
    'web/link.js',
    'web/main.js',
  ])
})

test('a context above the app is sent from there, the app below it', async () => {
  await files({
    'app/compose.yml': 'services: { web: { build: { context: ../shared, dockerfile: ../app/Dockerfile } } }\n',
    'app/Dockerfile': 'FROM x\n',
    'shared/a.txt': 'a',
  })
  const { sources } = await read()
  expect(sources).toMatchObject({ root, appPath: 'app' })
  expect(Object.keys(await packed(sources)).sort()).toEqual([
    'app/Dockerfile',
    'app/compose.yml',
    'shared',
    'shared/a.txt',
  ])
})

test('the digest follows content, modes and variables that are referred to, and nothing else', async () => {
  await files({
    'app/compose.yml': 'services: { web: { build: ., environment: [TOKEN] } }\n',
    'app/Dockerfile': 'FROM x\n',
  })
  const { digest } = await read({}, { TOKEN: 'a', OTHER: '1' })
  expect((await read({}, { TOKEN: 'a', OTHER: '2' })).digest).toBe(digest)
  expect((await read({}, { TOKEN: 'b' })).digest).not.toBe(digest)
  await files({ 'app/new.txt': 'x' })
  expect((await read({}, { TOKEN: 'a' })).digest).not.toBe(digest)
})

test('a secret counts though its file is not sent', async () => {
  await files({
    'app/compose.yml': 'services: { web: { image: x, secrets: [t] } }\nsecrets: { t: { file: ./t.txt } }\n',
    'app/t.txt': 'one',
  })
  const { digest, sources } = await read()
  expect(Object.keys(await packed(sources))).toEqual(['compose.yml'])
  await files({ 'app/t.txt': 'two' })
  expect((await read()).digest).not.toBe(digest)
})

test('templates beside params.yml are sent rendered, those further down are the app’s own', async () => {
  await files({
    'app/compose.yml.hbs': 'services: { web: { build: . , deploy: { replicas: {{n}} } } }\n',
    'app/params.yml': 'n: 1\n',
    'app/site.conf.hbs': 'n={{n}}\n',
    'app/views/page.hbs': '{{theirs}}\n',
    'app/Dockerfile': 'FROM x\n',
  })
  const content = await packed((await read({ n: '3' })).sources)
  expect(content['compose.yml']).toContain('replicas: 3')
  expect(content['site.conf']).toBe('n=3\n')
  expect(content['views/page.hbs']).toBe('{{theirs}}\n')
  expect(content).not.toHaveProperty(['site.conf.hbs'])
})

test('an app that is not there is named with the near one', async () => {
  await files({ 'apps/nodeapp/compose.yml': 'services: {}\n' })
  const find = () => findApp('nodeap', { workingDirectory: root, shelves: [join(root, 'apps')] })
  await expect(find()).rejects.toMatchObject({ exitCode: 64, hint: 'did you mean "nodeapp"?' })
})

test('a file that cannot be parsed is named with line and column', async () => {
  await files({ 'app/compose.yml': 'services:\n  web: [\n' })
  await expect(read()).rejects.toThrow(/^app\/compose\.yml:\d+:\d+: /)
})

test('a context that is not there is a problem of the file', async () => {
  await files({ 'app/compose.yml': 'services:\n  web:\n    build: ./nowhere\n' })
  await expect(read()).rejects.toThrow(/^app\/compose\.yml:3:\d+: there is no directory/)
})
