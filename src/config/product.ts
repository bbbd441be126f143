import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where lab itself is installed, and its version. */
export interface Product {
  readonly directory: string
  /** The compiled modules of the lab that runs; those of the last build when it runs from its sources. */
  readonly compiled: string
  readonly version: string
}

/** Finds the installation this file belongs to, compiled or not. */
export function findProduct(): Product {
  let compiled: string | undefined
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'src/index.js'))) compiled ??= directory
    const file = readPackage(directory)
    if (file?.name === 'lab') return { directory, compiled: compiled ?? join(directory, 'dist'), version: file.version }
    if (dirname(directory) === directory) throw new Error('the package.json of lab is missing')
  }
}

/** Directory of the build that runs, another one for each; undefined where lab runs from its sources. */
export function compiledBuild(): string | undefined {
  const { compiled } = findProduct()
  return import.meta.filename.startsWith(`${compiled}${sep}`) ? compiled : undefined
}

function readPackage(directory: string): { readonly name: string; readonly version: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { name: string; version: string }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
