import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where lab itself is installed, and its version. */
export interface Product {
  readonly directory: string
  readonly version: string
}

/** Finds the installation this file belongs to, compiled or not. */
export function findProduct(): Product {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageFile
      if (name === 'lab') return { directory, version }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (dirname(directory) === directory) throw new Error('the package.json of lab is missing')
  }
}

interface PackageFile {
  readonly name: string
  readonly version: string
}
