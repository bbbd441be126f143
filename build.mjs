// Compiles the CLI, the steps and the playbooks to dist/. Chunks are shared, so one command loads only what it needs.
import { readdirSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

const sources = (directory) =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${directory}/${file}`)

rmSync('dist', { recursive: true, force: true })
await build({
  entryPoints: [
    'src/cli/main.ts',
    ...['src/index.ts'].filter((file) => readdirSync('src').includes(file.slice(4))),
    ...sources('src/steps'),
    ...sources('src/providers'),
    ...sources('src/volumes'),
    ...sources('playbooks'),
  ],
  outdir: 'dist',
  outbase: '.',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
})
