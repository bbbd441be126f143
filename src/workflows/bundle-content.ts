import { existsSync } from 'node:fs'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readEntry, type SourceEntry } from '../apps/source-tree.ts'
import type { Product } from '../config/product.ts'
import { PROGRAM_DIRECTORY } from '../model/bundle.ts'
import { LabError } from '../model/errors.ts'
import type { LabIdentity } from '../model/lab-spec.ts'

/** A file or link of a bundle, under the name it is unpacked to. */
export interface BundledEntry extends SourceEntry {
  readonly name: string
}

/** What lab needs to run, and what its users read. */
const PROGRAM = [
  ...[
    'lab',
    'lab.yml',
    'lab.schema.json',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'build.mjs',
    'Vagrantfile',
  ],
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'LICENSE', 'docs'],
  ...['src', 'playbooks', 'images', 'apps', 'starter', 'examples', 'scripts'],
]
/** Says that the packages are those of the lock file. */
const LOCKS = ['node_modules/.lab-lock', 'node_modules/.package-lock.json']
/** Never the lab's own files: what is secret, what is made anew, other bundles. */
const LEFT_OUT = /^(\.lab|\.git|\.vagrant|node_modules|\.program|tsconfig\.lab\.json|.*\.lab-bundle(\.\d+)?)$/
/** Of a checkout of lab, everything but these is in the program. */
const OF_CHECKOUT = ['lab.yml', 'lab.schema.json', 'apps']

interface InstalledPackages {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

/** Everything that is unpacked from a bundle of a lab: its own files, and lab itself, compiled, with its packages. */
export async function bundleContent(lab: LabIdentity, product: Product): Promise<readonly BundledEntry[]> {
  const inProgram = (name: string) => `${PROGRAM_DIRECTORY}/${name}`
  const root = product.directory
  const compiled = await realpath(product.compiled).catch(() => '')
  if (!existsSync(join(compiled, 'src/cli/main.js')))
    throw new LabError('INSTALLATION', 'lab is not compiled', {
      where: product.compiled,
      hint: `${root}/lab --version`,
    })
  const own = (await realpath(lab.directory)) === (await realpath(root)) ? OF_CHECKOUT : await readdir(lab.directory)
  const parts = await Promise.all([
    // A link or copy of the launcher would be another one's.
    ...own.filter((name) => name !== 'lab').map((name) => tree(join(lab.directory, name), name)),
    ...[...PROGRAM, ...LOCKS].map((name) => tree(join(root, name), inProgram(name))),
    tree(compiled, inProgram('dist')),
    ...(await packages(root)).map((path) => tree(join(root, path), inProgram(path))),
  ])
  return [...parts.flat(), launcher()]
}

/** `./lab` leads to the program. */
function launcher(): BundledEntry {
  const target = `${PROGRAM_DIRECTORY}/lab`
  return { name: 'lab', local: '', type: 'symlink', mode: 0o777, size: 0, mtime: new Date(0), target }
}

/** Directories of the packages that lab runs with, as far as they are installed; those for its development are not. */
async function packages(root: string): Promise<readonly string[]> {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8')
  const all = Object.entries((JSON.parse(text) as InstalledPackages).packages)
  return all.flatMap(([path, { dev }]) => (path === '' || dev === true || !existsSync(join(root, path)) ? [] : [path]))
}

/** A file, link or directory with all it holds, but what is left out anywhere. */
async function tree(local: string, name: string): Promise<readonly BundledEntry[]> {
  if (LEFT_OUT.test(relative(resolve(local, '..'), local))) return []
  const entry = await readEntry(local)
  if (entry === undefined) return []
  if (entry.type !== 'directory') return [{ ...entry, name }]
  const names = (await readdir(local)).sort()
  const below = await Promise.all(names.map((each) => tree(join(local, each), `${name}/${each}`)))
  return [{ ...entry, name }, ...below.flat()]
}
