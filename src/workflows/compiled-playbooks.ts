import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StateDirectory } from '../secrets/state-directory.ts'
import type { Installation } from './compile-playbook.ts'

/** What a compiled module depends on, as it was when that was made. */
interface Origin {
  /** Name of the module, after its content: what was loaded once is another module when it changes. */
  readonly module: string
  /** The compiled lab it imports. */
  readonly lab: string
  /** SHA-256 by path. */
  readonly files: Readonly<Record<string, string>>
  /** Time of change by path of a directory: a file that comes or goes may change what an import means. */
  readonly directories: Readonly<Record<string, number>>
}

/**
 * The path of a playbook's compiled module. Compiling costs more than all else that a second run does on this machine, so
 * the module is kept with the lab and used for as long as nothing it is made of has changed.
 */
export async function compiledModule(file: string, product: Installation, state: StateDirectory): Promise<string> {
  const place = `compiled/${digest(file).slice(0, 16)}`
  const known = readOrigin(await state.read(`${place}/origin.json`))
  const pathOf = (module: string) => join(state.path, place, module)
  if (known?.lab === product.compiled && isUnchanged(known)) return pathOf(known.module)
  const { compilePlaybook } = await import('./compile-playbook.ts')
  const { code, map, inputs } = await compilePlaybook(file, pathOf('playbook.mjs'), product)
  const module = `${digest(code + map).slice(0, 16)}.mjs`
  await state.write(`${place}/${module}.map`, map)
  await state.write(`${place}/${module}`, code.replace(/(?<=^\/\/# sourceMappingURL=).*$/m, `${module}.map`))
  await state.write(`${place}/origin.json`, JSON.stringify(originOf(module, product, inputs)))
  // The one before may be in use by a run that read of it a moment ago.
  for (const entry of readdirSync(join(state.path, place))) {
    const kept = entry === 'origin.json' || [module, known?.module].some((each) => entry.startsWith(each ?? module))
    if (!kept) rmSync(pathOf(entry), { force: true })
  }
  return pathOf(module)
}

function originOf(module: string, { compiled }: Installation, inputs: readonly string[]): Origin {
  const directories = new Set(inputs.flatMap((path) => [dirname(path), ...packageDirectories(dirname(path))]))
  return {
    module,
    lab: compiled,
    files: Object.fromEntries(inputs.map((path) => [path, contentOf(path)])),
    directories: Object.fromEntries([...directories].map((path) => [path, changedAt(path)])),
  }
}

function isUnchanged({ files, directories }: Origin): boolean {
  return (
    Object.entries(directories).every(([path, time]) => changedAt(path) === time) &&
    Object.entries(files).every(([path, content]) => contentOf(path) === content)
  )
}

/** Where packages for files of a directory may come from. */
function packageDirectories(directory: string): readonly string[] {
  const above = dirname(directory)
  return [join(directory, 'node_modules'), ...(above === directory ? [] : packageDirectories(above))]
}

/** 0 for what is not there. */
function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function contentOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? digest(readFileSync(path)) : ''
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Undefined for what is not there or was not written by this. */
function readOrigin(text: string | undefined): Origin | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Origin
  } catch {
    return undefined
  }
}
