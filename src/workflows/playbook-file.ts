import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type BuildFailure, type Loader, type Plugin } from 'esbuild'
import type { Product } from '../config/product.ts'
import { InvalidFileError, UsageError } from '../model/errors.ts'
import { nearest } from '../model/names.ts'
import type { Site } from '../model/site.ts'
import type { Playbook } from '../model/step.ts'
import { blamed, checkFile, checkKeys, guarded, missingExport } from './playbook-errors.ts'

/** A playbook that was compiled; `dispose` removes what that left on disk. Errors in its steps need it until then. */
export interface LoadedPlaybook {
  readonly playbook: Playbook<Site>
  readonly dispose: () => Promise<void>
}

/** Where lab is installed, and where its compiled modules are. */
type Installation = Pick<Product, 'directory' | 'compiled'>

/**
 * Compiles a user's playbook and loads it. `import ... from 'lab'` and `'lab/steps/<name>'` mean the running lab itself
 * (its installation is `product`); any other package comes from beside the playbook, else from lab's own.
 * Throws `InvalidFileError` for what does not compile, `UsageError` for what is not a playbook.
 */
export async function loadPlaybook(file: string, product: Installation): Promise<LoadedPlaybook> {
  checkFile(file)
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-playbook-')))
  const dispose = () => rm(directory, { recursive: true, force: true })
  try {
    const outfile = join(directory, 'playbook.mjs')
    await compile(file, outfile, product)
    const module = (await import(pathToFileURL(outfile).href).catch(async (error: unknown) => {
      throw blamed((await missingExport(error)) ?? error, file)
    })) as { readonly default?: unknown }
    return { playbook: guarded(checkPlaybook(module.default, file), file), dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function compile(file: string, outfile: string, product: Installation): Promise<void> {
  try {
    await build({
      entryPoints: [file],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'linked',
      sourcesContent: false,
      logLevel: 'silent',
      plugins: [labModules(product), ownPlaces()],
      define: {
        'import.meta.url': PLACE,
        'import.meta.filename': `${PLACE}File`,
        'import.meta.dirname': `${PLACE}Dir`,
      },
    })
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>
    if (errors === undefined) throw error
    throw new InvalidFileError(
      errors.map(({ text, location }) => ({
        file: location === null ? relative(process.cwd(), file) : location.file,
        line: location?.line ?? 1,
        column: (location?.column ?? 0) + 1,
        message: text,
      })),
    )
  }
}

const PLACE = 'labPlaybookPlace'
const LOADERS: Readonly<Record<string, Loader>> = { js: 'js', mjs: 'js', cjs: 'js', ts: 'ts', mts: 'ts', cts: 'ts' }

/** `import.meta.url` of a playbook and of files beside it is where they were written, not where they were compiled to. */
function ownPlaces(): Plugin {
  return {
    name: 'own-places',
    setup: (bundler) => {
      bundler.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        const constant = (name: string, value: string) => `const ${name}=${JSON.stringify(value)};`
        const places = [
          constant(PLACE, pathToFileURL(path).href),
          constant(`${PLACE}File`, path),
          constant(`${PLACE}Dir`, dirname(path)),
        ]
        // On the first line, so that all lines keep their numbers.
        const contents = text.includes('import.meta.') ? `${places.join('')}${text}` : text
        return { contents, loader: LOADERS[path.split('.').at(-1) ?? ''] ?? 'js' }
      })
    },
  }
}

/** Finds imports of a playbook. What belongs to lab stays one instance: a step made here is run by this very process. */
function labModules({ directory, compiled }: Installation): Plugin {
  return {
    name: 'lab-modules',
    setup: (bundler) => {
      bundler.onResolve({ filter: /^lab$/ }, () => external(join(compiled, 'src/index.js')))
      bundler.onResolve({ filter: /^lab\/local$/ }, () => external(join(compiled, 'src/local.js')))
      bundler.onResolve({ filter: /^lab\// }, ({ path }) => {
        const name = path.replace(/^lab\/(steps\/)?/, '')
        const steps = join(compiled, 'src/steps')
        if (path.startsWith('lab/steps/') && existsSync(join(steps, `${name}.js`)))
          return external(join(steps, `${name}.js`))
        const known = readdirSync(steps).flatMap((entry) => (entry.endsWith('.js') ? [entry.slice(0, -3)] : []))
        const near = nearest(name, known)
        const advice = near === undefined ? `known: ${known.join(', ')}` : `did you mean "lab/steps/${near}"?`
        return { errors: [{ text: `lab has no step "${name}"; ${advice}` }] }
      })
      // A playbook inside lab's own tree imports the sources by path.
      bundler.onResolve({ filter: /^\.\.?\// }, async ({ path, ...from }) => {
        if (from.pluginData === 'resolving') return undefined
        const found = await bundler.resolve(path, { ...from, pluginData: 'resolving' })
        const inside = relative(directory, found.path).replace(/\.ts$/, '.js')
        const twin = join(compiled, inside)
        return inside.startsWith('src/') && existsSync(twin) ? external(twin) : found
      })
      bundler.onResolve({ filter: /^[^./]/ }, async ({ path, ...from }) => {
        if (from.pluginData === 'resolving' || from.kind === 'entry-point' || path.startsWith('node:')) return undefined
        const beside = await bundler.resolve(path, { ...from, pluginData: 'resolving' })
        if (beside.errors.length === 0) return beside.external ? beside : external(beside.path)
        const own = await bundler.resolve(path, { ...from, resolveDir: directory, pluginData: 'resolving' })
        return own.errors.length === 0 ? (own.external ? own : external(own.path)) : beside
      })
    },
  }
}

function external(path: string): { path: string; external: true } {
  return { path: pathToFileURL(path).href, external: true }
}

function checkPlaybook(value: unknown, file: string): Playbook<Site> {
  const { name, plays } = (value ?? {}) as Partial<Playbook<Site>>
  if (typeof name === 'string' && (typeof plays === 'function' || Array.isArray(plays))) {
    checkKeys('playbook', value, ['name', 'vars', 'plays'], file)
    return value as Playbook<Site>
  }
  throw new UsageError(`${relative(process.cwd(), file)} does not export a playbook`, {
    where: relative(process.cwd(), file),
    hint: "end it with: export default playbook({ name: '...', plays: [...] })",
  })
}
