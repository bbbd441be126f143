import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from '../model/errors.ts'
import type { Site } from '../model/site.ts'
import type { Playbook } from '../model/step.ts'
import type { StateDirectory } from '../secrets/state-directory.ts'
import type { Installation } from './compile-playbook.ts'
import { compiledModule } from './compiled-playbooks.ts'
import { blamed, checkFile, checkKeys, guarded, missingExport } from './playbook-errors.ts'

/**
 * Compiles a user's playbook, unless it was compiled before as it is, and loads it. Throws `InvalidFileError` for what
 * does not compile, `UsageError` for what is not a playbook.
 */
export async function loadPlaybook(
  file: string,
  product: Installation,
  state: StateDirectory,
): Promise<Playbook<Site>> {
  checkFile(file)
  const path = await compiledModule(file, product, state)
  const module = (await import(pathToFileURL(path).href).catch(async (error: unknown) => {
    throw blamed((await missingExport(error)) ?? error, file)
  })) as { readonly default?: unknown }
  return guarded(checkPlaybook(module.default, file), file)
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
