// Compiles the CLI, the steps and the playbooks. Chunks are shared, so one command loads only what it needs.
// Each build is a directory of its own and `dist` a link to the newest: a build that is killed or runs beside another
// changes nothing for a lab that is at work with an older one.
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { build } from 'esbuild'
import { BUNDLE } from './scripts/bundle.mjs'

const root = import.meta.dirname
process.chdir(root)

const sources = (directory) =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${directory}/${file}`)

const builds = 'node_modules/.cache/lab'
const name = `${Date.now().toString(36)}-${process.pid}`
const outdir = join(builds, name)
mkdirSync(outdir, { recursive: true })
// Made before any source is read: what is saved while this build runs is newer, and will be built.
writeFileSync(join(outdir, '.built'), '')

const result = await build({
  entryPoints: ['src/cli/main.ts', 'src/index.ts', 'src/local.ts', ...sources('src/steps'), ...sources('playbooks')],
  ...BUNDLE,
  absWorkingDir: root,
  outdir,
  outbase: '.',
  sourcemap: 'linked',
  sourcesContent: false,
}).catch(() => undefined)
if (result === undefined) {
  // What is wrong has been said, with file and line.
  rmSync(outdir, { recursive: true, force: true })
  process.exit(1)
}

// A link is exchanged in one step; a directory cannot be.
const link = `dist.${process.pid}`
rmSync(link, { force: true })
symlinkSync(relative('.', outdir), link)
if (statSync('dist', { throwIfNoEntry: false })?.isDirectory() && !isLink('dist')) rmSync('dist', { recursive: true })
renameSync(link, 'dist')

// Labs at work may still load parts of a build before this one.
const old = readdirSync(builds)
  .filter((entry) => entry !== name)
  .sort((a, b) => statSync(join(builds, b)).mtimeMs - statSync(join(builds, a)).mtimeMs)
for (const entry of old.slice(3)) rmSync(join(builds, basename(entry)), { recursive: true, force: true })

function isLink(path) {
  try {
    return readlinkSync(path) !== ''
  } catch {
    return false
  }
}
