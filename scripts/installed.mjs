// Ends with 0 when node_modules holds every package the lock file asks for, in its version: `npm ci` has nothing to do.
// Without --dev, packages only development needs do not count. Optional ones never do: they may not build here.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const withDev = process.argv.includes('--dev')

function packages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return {}
  }
}

const installed = packages('node_modules/.package-lock.json')
const missing = Object.entries(packages('package-lock.json')).filter(
  ([path, { version, dev, optional, devOptional }]) =>
    path !== '' && !optional && !devOptional && (withDev || !dev) && installed[path]?.version !== version,
)
process.exit(missing.length === 0 ? 0 : 1)
