import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = new URL('..', import.meta.url).pathname
const OWN_CODE = ['src', 'playbooks', 'test', 'bench', 'apps'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => join(top, file)),
)

const checkLayers = (directory: string) =>
  spawnSync('node', [join(ROOT, 'scripts/check-layers.mjs'), directory], { encoding: 'utf8' })

describe('who imports whom', { timeout: 120_000 }, () => {
  let directory: string
  const tree = (files: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), content)
    }
    mkdirSync(join(directory, 'playbooks'), { recursive: true })
    return checkLayers(directory)
  }
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lab-layers-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('points one way, everywhere', () => {
    const { status, stdout, stderr } = checkLayers(ROOT)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^layers: \d+ modules, 0 violations/)
    expect(status).toBe(0)
  })

  it('is a check that notices looking at nothing', () => {
    const { status, stderr } = tree({ 'src/empty.txt': '' })
    expect(stderr).toContain('only 0 modules were looked at')
    expect(status).toBe(1)
  })

  it('is a check that finds every kind of violation', () => {
    const { status, stderr } = tree({
      'src/model/a.ts': `import { b } from '../shell/b.ts'\nexport const a = b`,
      'src/shell/b.ts': 'export const b = 1',
      'src/steps/one.ts': `import { two } from './two.ts'\nexport const one = two`,
      'src/steps/two.ts': 'export const two = 2',
      'src/swarm/c.ts': `import type { D } from './d.ts'\nexport interface C { d: D }`,
      'src/swarm/d.ts': `import type { C } from './c.ts'\nexport interface D { c: C }`,
      'src/volumes/e.ts': `import { c } from '../swarm/f.ts'\nexport const e = c`,
      'src/swarm/f.ts': 'export const c = 3',
      'src/novel/g.ts': `import { a } from '../model/a.ts'\nexport const g = a`,
      'src/cli/h.ts': `import { up } from '../workflows/up.ts'\nexport const h = up`,
      'src/workflows/up.ts': 'export const up = 4',
      'src/shell/utils.ts': 'export const u = 5',
      'src/shell/i.ts': `import { u } from './utils.ts'\nexport const i = u`,
      'playbooks/site.ts': `import { up } from '../src/workflows/up.ts'\nexport default up`,
    })
    expect(status).toBe(1)
    const rules = [...stderr.matchAll(/^([\w-]+): /gm)].map(([, rule]) => rule)
    expect(new Set(rules)).toEqual(
      new Set([
        'model-looks-down',
        'a-step-stands-alone',
        'no-circular',
        'volumes-looks-down',
        'unknown-layer',
        'the-cli-starts-fast',
        'not-a-name',
        'playbooks-describe',
      ]),
    )
  })
})

describe('files', () => {
  it('are found at all', () => {
    expect(OWN_CODE.length).toBeGreaterThan(100)
  })

  it('have names in kebab-case that say something', () => {
    const odd = OWN_CODE.filter(
      (file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.((node\.)?test|torture|d))?\.ts$/.test(basename(file)),
    )
    const empty = OWN_CODE.filter((file) => /(^|\/)(utils?|helpers?|common|lib|managers?)(\/|\.ts$)/.test(file))
    expect([...odd, ...empty]).toEqual([])
  })

  it('stay short enough to be read in one go', () => {
    const long = OWN_CODE.filter((file) => file.startsWith('src/') || file.startsWith('playbooks/')).filter(
      (file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 251,
    )
    expect(long).toEqual([])
  })

  it('of steps have a test each', () => {
    const steps = OWN_CODE.flatMap((file) => /^src\/steps\/([^/]+)\.ts$/.exec(file)?.[1] ?? [])
    expect(steps.length).toBeGreaterThan(5)
    expect(steps.filter((step) => !OWN_CODE.includes(`test/steps/${step}.test.ts`))).toEqual([])
  })
})

describe('starting the command line', { timeout: 60_000 }, () => {
  it('loads nothing but the argument parser and what prints help', async () => {
    const { metafile } = await build({
      entryPoints: [join(ROOT, 'src/cli/main.ts')],
      absWorkingDir: ROOT,
      outdir: 'unused',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      write: false,
      metafile: true,
      logLevel: 'silent',
    })
    const packages = loadedAtStart(metafile).filter((path) => !path.startsWith('node:'))
    expect(packages).toEqual(['commander'])
  })
})

/** What the entry point imports before it runs, through all its chunks. */
function loadedAtStart({ outputs }: Metafile): readonly string[] {
  const [entry = ''] = Object.entries(outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint?.endsWith('cli/main.ts') ? [path] : [],
  )
  const seen = new Set<string>()
  const packages = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    for (const { path: imported, kind, external } of outputs[path]?.imports ?? []) {
      if (kind !== 'import-statement') continue
      if (external === true) packages.add(imported)
      else visit(imported)
    }
  }
  visit(entry)
  return [...packages].sort()
}
