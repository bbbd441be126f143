// Compiles the benches and starts them: `npm run bench -- NAME...`; without a name, what there is.
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { glob } from 'zx'
import { BUNDLE } from '../scripts/bundle.mjs'

const root = resolve(import.meta.dirname, '..')
// Two runs at once must not take each other's code away.
const outdir = join(root, 'node_modules/.cache', `lab-bench-${process.pid}`)
process.on('exit', () => rmSync(outdir, { recursive: true, force: true }))

await build({
  ...BUNDLE,
  entryPoints: await glob('bench/*.ts', { cwd: root, absolute: true }),
  outdir,
  sourcemap: 'inline',
})
const { main } = await import(join(outdir, 'main.js'))
process.exitCode = await main(root, process.argv.slice(2))
