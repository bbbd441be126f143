import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Handlebars from 'handlebars'
import { UsageError } from '../model/errors.ts'

/**
 * Text of a configuration file from a Handlebars template: strict (a value that is missing is an error) and without HTML
 * escaping. `template` is the text itself; with a URL or a path in `name`, see {@link renderFile}.
 * @example file({ path: '/etc/motd', content: render('hello {{name}}\n', { name: 'world' }) })
 * @throws USAGE: the template is broken, or a value is missing.
 */
export function render(template: string, values: object, name = 'template'): string {
  try {
    return compiled(template)(values)
  } catch (error) {
    throw new UsageError(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

const known = new Map<string, Handlebars.TemplateDelegate>()

/** Each template once: a site renders the same ones for every node, and compiling is most of the work. */
function compiled(template: string): Handlebars.TemplateDelegate {
  const present = known.get(template)
  if (present !== undefined) return present
  const made = Handlebars.compile(template, { strict: true, noEscape: true })
  known.set(template, made)
  return made
}

/**
 * {@link render} of a template in a file of this machine.
 * @example file({ path: '/etc/app.conf', content: renderFile(new URL('app.conf.hbs', import.meta.url), { port: 8080 }) })
 */
export function renderFile(path: string | URL, values: object): string {
  const file = typeof path === 'string' ? path : fileURLToPath(path)
  return render(readFileSync(file, 'utf8'), values, file)
}

/**
 * {@link render} of a template that comes with lab, named by its path from the directory of package.json. It is found
 * from the sources and from the compiled program alike.
 * @example
 * file({
 *   path: '/etc/containerd/config.toml',
 *   content: renderPackaged('playbooks/templates/containerd.toml.hbs', {}),
 * })
 */
export function renderPackaged(path: string, values: object): string {
  let directory = new URL('.', import.meta.url)
  while (!existsSync(new URL('package.json', directory)) && directory.pathname !== '/') {
    directory = new URL('..', directory)
  }
  return renderFile(new URL(path, directory), values)
}
