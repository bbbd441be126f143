import { readdir, readFile } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import { InvalidFileError } from '../model/errors.ts'
import { isName } from '../model/names.ts'
import { parseComposeFile, toProblems, type ComposeFile } from './compose-file.ts'
import { composeFileIn, isComposeTemplate, type AppDirectory } from './find-app.ts'
import type { Variables } from './interpolate.ts'
import { applySettings, parseParams, type Params } from './params.ts'
import { parseDotEnv, referencesOf, variablesOfEnvFile, type ContextReference, type References } from './references.ts'
import { renderTemplate, templateLines } from './template.ts'

/** An app as it is on this machine: its Compose files, parsed, and everything they refer to. */
export interface App {
  readonly name: string
  /** Absolute. */
  readonly directory: string
  /** The Compose file and its override, in the order the engine's tools are given them. */
  readonly mainFiles: readonly ComposeFile[]
  /** Those, and the files they include or extend: where problems may be. */
  readonly files: readonly ComposeFile[]
  /** Path of the `.env` beside the Compose file, when there is one. */
  readonly dotEnv: string | undefined
  readonly envFiles: readonly string[]
  readonly contexts: readonly ContextReference[]
  readonly contents: readonly string[]
  /** Files that come from templates, by the path they are to have. */
  readonly rendered: ReadonlyMap<string, string>
  /** The user's environment, as far as the app refers to it. Values may be secret. */
  readonly variables: Variables
}

/** What an app is read with. */
export interface ReadAppOptions {
  /** What paths in messages are relative to. */
  readonly workingDirectory: string
  /** The user's whole environment. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** `vars` of lab.yml. */
  readonly vars: Readonly<Record<string, unknown>>
  /** From the command line. */
  readonly settings: Readonly<Record<string, string>>
}

const TEMPLATE = '.hbs'

/** Reads an app. Throws `InvalidFileError` for what no tool could read, `UsageError` for wrong parameters. */
export async function readApp(found: AppDirectory, options: ReadAppOptions): Promise<App> {
  const { directory } = found
  const environment = definedOnly(options.environment)
  const fileName = (await composeFileIn(directory)) ?? 'compose.yml'
  const values = await readValues(directory, fileName, options)
  const main = await readMain(join(directory, fileName), values ?? {}, options)
  const override = await readOverride(main.path, options)
  const mainFiles = [main, ...(override === undefined ? [] : [override])]

  const dotEnvPath = join(directory, '.env')
  const dotEnv = await readIfPresent(dotEnvPath)
  const variables = parseDotEnv(dotEnv ?? '', environment)
  const files = [...mainFiles]
  const references: References[] = []
  const queue = mainFiles.map((file) => ({ file, directory }))
  const seen = new Set(mainFiles.map((file) => file.path))
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const found_ = referencesOf(next.file, next.directory, variables)
    references.push(found_)
    for (const other of found_.composeFiles) {
      const text = seen.has(other.path) ? undefined : await readIfPresent(other.path)
      seen.add(other.path)
      if (text === undefined) continue
      const file = parseComposeFile({ path: other.path, shown: show(other.path, options), text })
      files.push(file)
      queue.push({ file, directory: other.directory })
    }
  }
  const envFiles = unique(references.flatMap((each) => each.envFiles))
  const envTexts = await Promise.all(envFiles.map(readIfPresent))
  const names = unique([
    ...references.flatMap((each) => [...each.variables]),
    ...[dotEnv, ...envTexts].flatMap((text) => [...variablesOfEnvFile(text ?? '')]),
  ])
  return {
    name: appName(found, mainFiles),
    directory,
    mainFiles,
    files,
    dotEnv: dotEnv === undefined ? undefined : dotEnvPath,
    envFiles,
    contexts: references.flatMap((each) => each.contexts),
    contents: unique(references.flatMap((each) => each.contents)),
    rendered: values === undefined ? new Map() : await renderFiles(directory, values, options),
    variables: Object.fromEntries(
      names.sort().flatMap((name) => {
        const value = environment[name]
        return value === undefined ? [] : [[name, value] as const]
      }),
    ),
  }
}

async function readMain(path: string, values: Params, options: ReadAppOptions): Promise<ComposeFile> {
  const text = await readFile(path, 'utf8')
  const shown = show(path, options)
  if (!path.endsWith(TEMPLATE)) return parseComposeFile({ path, shown, text })
  const rendered = renderTemplate(shown, text, values)
  const lineMap = templateLines(text, rendered)
  return parseComposeFile({ path: path.slice(0, -TEMPLATE.length), shown, text: rendered, lineMap })
}

/** What the app's templates are rendered with; undefined where it has neither parameters nor a Compose template. */
async function readValues(directory: string, fileName: string, options: ReadAppOptions): Promise<Params | undefined> {
  const path = join(directory, 'params.yml')
  const text = await readIfPresent(path)
  if (text === undefined && !fileName.endsWith(TEMPLATE) && Object.keys(options.settings).length === 0) return undefined
  const defaults = text === undefined ? {} : parseParams(show(path, options), text)
  return applySettings(defaults, options.vars, options.settings)
}

/**
 * Files beside `params.yml` that are templates too, rendered, by the path they are to have: `nginx.conf.hbs` is sent as
 * `nginx.conf`. Those in directories below are the app's own affair.
 */
async function renderFiles(
  directory: string,
  values: Params,
  options: ReadAppOptions,
): Promise<ReadonlyMap<string, string>> {
  if ((await readIfPresent(join(directory, 'params.yml'))) === undefined) return new Map()
  const names = (await readdir(directory)).filter((name) => name.endsWith(TEMPLATE) && !isComposeTemplate(name))
  const rendered = names.map(async (name) => {
    const path = join(directory, name)
    const text = renderTemplate(show(path, options), await readFile(path, 'utf8'), values)
    return [path.slice(0, -TEMPLATE.length), text] as const
  })
  return new Map(await Promise.all(rendered))
}

/** `compose.override.yml` beside `compose.yml`, as `docker compose` takes it along. */
async function readOverride(main: string, options: ReadAppOptions): Promise<ComposeFile | undefined> {
  for (const extension of ['yml', 'yaml']) {
    const path = main.replace(/\.ya?ml$/, `.override.${extension}`)
    const text = await readIfPresent(path)
    if (text !== undefined) return parseComposeFile({ path, shown: show(path, options), text })
  }
  return undefined
}

/** What the file calls the app, else the name of its directory. An app asked for by name has that name. */
function appName(found: AppDirectory, files: readonly ComposeFile[]): string {
  const named = files.findLast((file) => typeof (file.value as { name?: unknown }).name === 'string')
  const name = (named?.value as { name?: string } | undefined)?.name ?? found.name
  const refuse = (message: string) =>
    new InvalidFileError(toProblems(files, [{ path: ['name'], part: 'value', message }]))
  if (!isName(name)) throw refuse(`"${name}" is no app name: use a-z, 0-9 and -, at most 63 characters`)
  if (!found.byPath && name !== found.name) {
    throw refuse(`the app in ${found.name} calls itself "${name}": rename the directory or remove the line`)
  }
  return name
}

/** As messages name a file: relative to where the user is, unless that leads out of it. */
function show(path: string, { workingDirectory }: ReadAppOptions): string {
  const short = relative(workingDirectory, path)
  return short.startsWith('..') || isAbsolute(short) ? path : short
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Variables {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  )
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
