import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { engineMessage, engineStatus } from '../model/engine-error.ts'
import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import type { ComposeConfig, ComposeFileObject } from './compose-config.ts'
import type { Finding } from './compose-file.ts'
import type { Variables } from './interpolate.ts'

/** Label by which `docker stack` knows what is its own. */
export const STACK_LABEL = 'com.docker.stack.namespace'

/** A config or secret of an app, with its content: what changed gets a new name, as neither can be changed. */
export interface SwarmFile {
  readonly section: 'configs' | 'secrets'
  readonly key: string
  /** Name in the swarm. */
  readonly name: string
  /** Undefined for one that exists outside the app. May be secret. */
  readonly data: Buffer | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly templateDriver: string | undefined
}

/** Where the contents of configs and secrets come from. */
export interface FileSource {
  /** A path on the build node as it is on this machine. */
  readonly localPath: (path: string) => string
  /** Files that come from templates, by the path they are to have here. */
  readonly rendered: ReadonlyMap<string, string>
  readonly variables: Variables
}

/** Reads what the configs and secrets of an app hold, on this machine. */
export async function readSwarmFiles(
  config: ComposeConfig,
  app: string,
  source: FileSource,
): Promise<{ readonly files: readonly SwarmFile[]; readonly problems: readonly Finding[] }> {
  const files: SwarmFile[] = []
  const problems: Finding[] = []
  for (const section of ['configs', 'secrets'] as const) {
    for (const [key, object] of Object.entries(config[section] ?? {})) {
      const common = { section, key, labels: object.labels ?? {}, templateDriver: object.template_driver }
      if (object.external === true) {
        files.push({ ...common, name: object.name ?? key, data: undefined })
        continue
      }
      try {
        const data = await contentOf(object, source)
        files.push({ ...common, name: hashedName(app, key, data), data })
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        problems.push({ path: [section, key], part: 'value', message })
      }
    }
  }
  return { files, problems }
}

/** Puts configs and secrets into the swarm; those that are there stay. */
export async function createSwarmFiles(engine: Docker, app: string, files: readonly SwarmFile[]): Promise<void> {
  for (const { section, name, data, labels, templateDriver } of files) {
    if (data === undefined) continue
    const spec = {
      Name: name,
      Labels: { ...labels, [STACK_LABEL]: app, [LABELS.app]: app },
      Data: data.toString('base64'),
      ...(templateDriver === undefined ? {} : { Templating: { Name: templateDriver } }),
    }
    try {
      await (section === 'configs' ? engine.createConfig(spec) : engine.createSecret(spec))
    } catch (error) {
      // The same content under the same name: it is there.
      if (engineStatus(error) === 409) continue
      throw new LabError('SWARM_FILE', `${name} was refused: ${engineMessage(error)}`, { where: `${section} ${name}` })
    }
  }
}

/** Takes an app's configs and secrets away, but for those named and those that something still uses. */
export async function removeSwarmFiles(engine: Docker, app: string, keep: ReadonlySet<string>): Promise<void> {
  const filters = { label: [`${LABELS.app}=${app}`, `${STACK_LABEL}=${app}`] }
  const [configs, secrets] = await Promise.all([engine.listConfigs({ filters }), engine.listSecrets({ filters })])
  const objects = [
    ...configs.map((config) => ({ name: config.Spec?.Name ?? '', object: engine.getConfig(config.ID) })),
    ...secrets.map((secret) => ({ name: secret.Spec?.Name ?? '', object: engine.getSecret(secret.ID) })),
  ]
  for (const { name, object } of objects) {
    if (keep.has(name)) continue
    try {
      await object.remove()
    } catch (error) {
      // A service still uses it (400): the version before may, and is put back with it.
      if (![400, 404].includes(engineStatus(error) ?? 0)) throw error
    }
  }
}

async function contentOf(object: ComposeFileObject, { localPath, rendered, variables }: FileSource): Promise<Buffer> {
  if (object.content !== undefined) return Buffer.from(object.content)
  if (object.environment !== undefined) {
    const value = variables[object.environment]
    if (value === undefined) throw new Error(`variable ${object.environment} is not set`)
    return Buffer.from(value)
  }
  if (object.file === undefined) throw new Error('needs file, environment or content')
  const path = localPath(object.file)
  const text = rendered.get(path)
  try {
    const data = text === undefined ? await readFile(path) : Buffer.from(text)
    if (data.length === 0) throw new Error(`${path} is empty, which Swarm refuses`)
    return data
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === undefined ? error : new Error(`${path} cannot be read (${code})`)
  }
}

/** At most 64 characters, the last twelve being the content's. */
function hashedName(app: string, key: string, data: Buffer): string {
  const digest = createHash('sha256').update(data).digest('hex').slice(0, 12)
  return `${`${app}_${key}`.slice(0, 51)}_${digest}`
}
