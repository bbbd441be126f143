import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Connection } from '../model/connection.ts'
import { InvalidFileError, LabError, type Problem } from '../model/errors.ts'
import { NODE_PATHS } from '../model/names.ts'
import type { AppSources } from './app-sources.ts'
import { parseComposeConfig, type ComposeConfig } from './compose-config.ts'
import { locate, locateText, type ComposeFile, type Path } from './compose-file.ts'
import type { Variables } from './interpolate.ts'
import type { App } from './read-app.ts'
import { CLIENT_CONFIG } from './workshop.ts'

/** Where an app's files are on the build node. */
export function sourceDirectory(app: string): string {
  return `${NODE_PATHS.apps}/${app}/src`
}

// The old tree stays until the new one is whole; the digest is written last, and only for a whole one.
const UPLOAD = `set -eu
directory=$1 digest=$2
rm -rf -- "$directory/src.new"
mkdir -p -- "$directory/src.new"
tar -x -f - --no-same-owner -C "$directory/src.new"
rm -rf -- "$directory/src" "$directory/src.digest"
mv -T -- "$directory/src.new" "$directory/src"
printf %s "$digest" >"$directory/src.digest"`

/** Brings an app's files to the build node; nothing is sent when they are there already. */
export async function uploadSources(connection: Connection, app: string, sources: AppSources): Promise<void> {
  const directory = `${NODE_PATHS.apps}/${app}`
  const digest = createHash('sha256').update(sources.digest).digest('hex')
  const present = await connection.exec({ argv: ['cat', '--', `${directory}/src.digest`] })
  if (present.status === 0 && present.stdout === digest) return
  const remote = await connection.spawn({ argv: ['sh', '-c', UPLOAD, 'upload', directory, digest] })
  let said = ''
  remote.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  remote.stdout.resume()
  const [sent] = await Promise.allSettled([pipeline(sources.pack(), remote.stdin)])
  const status = await remote.exit
  if (status === 0 && sent.status === 'fulfilled') return
  // What the node says is the cause; that it stopped reading is the consequence.
  const reason = status !== 0 ? said.trim() : sent.status === 'rejected' ? String(sent.reason) : ''
  throw new LabError('UPLOAD', `the files of ${app} did not reach ${connection.node}: ${reason}`, {
    where: connection.node,
    hint: 'check the room on the node (lab ssh), then run this again',
  })
}

// The user's environment comes first and last: .env may refer to it, and it wins over .env.
const CONFIG = `set -eu
name=$1 home=$2 dotenv=$3 format=$4; shift 4
umask 077
mkdir -p ${NODE_PATHS.run}
variables=$(mktemp ${NODE_PATHS.run}/compose-XXXXXX)
trap 'rm -f -- "$variables"' EXIT
cat >"$variables"
[ -z "$dotenv" ] || set -- --env-file "$dotenv" "$@"
HOME=$home docker compose --env-file "$variables" "$@" --env-file "$variables" -p "$name" config --format "$format"`

/** What the engine's tools make of an app, and what they remarked on. */
export interface ComposeAnswer {
  readonly config: ComposeConfig
  readonly remarks: readonly Problem[]
}

/** Has the build node's `docker compose` parse an app whose files are there. Throws `InvalidFileError` for what it refuses. */
export async function readConfig(
  connection: Connection,
  app: App,
  sources: AppSources,
  home: string,
): Promise<ComposeAnswer> {
  const root = sourceDirectory(app.name)
  const directory = sources.appPath === '' ? root : `${root}/${sources.appPath}`
  const files = app.mainFiles.flatMap((file) => ['-f', basename(file.path)])
  const dotEnv = app.dotEnv === undefined ? '' : '.env'
  const configAs = (format: 'json' | 'yaml') =>
    connection.exec({
      argv: ['sh', '-c', CONFIG, 'config', app.name, home, dotEnv, format, ...files],
      cwd: directory,
      env: { DOCKER_CONFIG: CLIENT_CONFIG },
      stdin: envFile(app.variables),
      timeoutMs: 60_000,
    })
  const result = await configAs('json')
  if (result.status !== 0) {
    const message =
      result.stderr
        .trim()
        .split('\n')
        .findLast((line) => !line.startsWith('time=')) ?? result.stderr
    throw new InvalidFileError([explain(message, app.files, root)])
  }
  const remarks = warnings(result.stderr, app.files)
  if (!app.files.some(({ value }) => extendsVolumes(value)))
    return { config: parseComposeConfig(result.stdout), remarks }
  // What lab is told of volumes, the tool leaves out of JSON.
  const { stdout } = await configAs('yaml')
  return { config: parseComposeConfig(result.stdout, stdout), remarks }
}

function extendsVolumes(file: unknown): boolean {
  const { volumes } = (file ?? {}) as { readonly volumes?: unknown }
  return Object.values(volumes ?? {}).some(
    (volume) => typeof volume === 'object' && volume !== null && 'x-lab' in volume,
  )
}

/** Pure: variables as a file the tool reads back without loss. */
export function envFile(variables: Variables): string {
  return Object.entries(variables)
    .map(
      ([name, value]) =>
        `${name}="${value
          .replace(/[\\"$]/g, '\\$&')
          .replaceAll('\n', '\\n')
          .replaceAll('\r', '\\r')}"\n`,
    )
    .join('')
}

/** Pure: what the tool objects to, at the place in the user's file it means. */
export function explain(said: string, files: readonly ComposeFile[], root: string): Problem {
  const message = said
    .replaceAll(`${root}/`, '')
    .replace(/^validating [^:]*: /, '')
    .replace(/: invalid compose project$/, '')
    .replace(/^error while interpolating [^:]*: /, '')
  return { ...placeOf(said, files), message }
}

function placeOf(said: string, files: readonly ComposeFile[]): Omit<Problem, 'message'> {
  const variable = /required variable (\w+) is missing/.exec(said)?.[1]
  if (variable !== undefined) {
    const found = locateText(files, new RegExp(`\\$\\{?${variable}\\b`))
    if (found !== undefined) return found
  }
  const dotted = /\b(services|networks|volumes|configs|secrets)((?:\.[\w-]+)+)/.exec(said)
  const service = /\bservice "([^"]+)"/.exec(said)?.[1]
  const path: Path =
    dotted === null
      ? service === undefined
        ? []
        : ['services', service]
      : [dotted[1] ?? '', ...(dotted[2] ?? '').slice(1).split('.').map(step)]
  const undefinedName = /undefined (?:service|network|volume|config|secret) "?([\w.-]+)/.exec(said)?.[1]
  const deeper =
    undefinedName === undefined
      ? undefined
      : locateText(files, new RegExp(`\\b${undefinedName.replace(/\./g, '\\.')}\\b`))
  const extra = /Additional property (\S+) is not allowed/.exec(said)?.[1]
  return deeper ?? locate(files, extra === undefined ? path : [...path, extra], 'key')
}

function step(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text
}

/** What the tool only warns of: variables that are not set. */
function warnings(said: string, files: readonly ComposeFile[]): readonly Problem[] {
  const names = [...said.matchAll(/The \\?"(\w+)\\?" variable is not set/g)].flatMap((match) => match[1] ?? [])
  return [...new Set(names)].flatMap((name) => {
    const place = locateText(files, new RegExp(`\\$\\{?${name}\\b`))
    return place === undefined ? [] : [{ ...place, message: `variable ${name} is not set; it counts as empty` }]
  })
}
