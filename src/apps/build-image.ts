import { createInterface } from 'node:readline'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { BASE_IMAGE, LABELS, NODE_PATHS } from '../model/names.ts'
import { cacheTag } from '../model/image-cache.ts'
import { whyBuildFailed } from './build-output.ts'
import { escapeDollars, type ComposeBuild } from './compose-config.ts'
import { WAITED } from '../shell/transient-unit.ts'
import { dockerfileNeeds, withoutSyntaxLine } from './dockerfile.ts'
import { parseImageName, shortDigest } from './image-names.ts'
import { imageId, trustedBase } from './trusted-base.ts'
import { CLIENT_CONFIG, obtainBase, type Workshop } from './workshop.ts'

/** One image to build. */
export interface BuildPlan {
  readonly app: string
  readonly service: string
  /** As resolved on the build node: its paths are the node's. */
  readonly build: ComposeBuild
  /** Text of the Dockerfile; undefined when the context is not a directory of this machine. */
  readonly dockerfile: string | undefined
  /** As messages name the Dockerfile. */
  readonly shown: string
  /** Digests of the contexts, whatever they are called. */
  readonly contextDigests: readonly string[]
  /** Secrets the build may read, and what they hold. */
  readonly secrets: ReadonlyMap<string, Buffer>
}

/** Part of every key: raise it when images would come out otherwise from the same sources. */
const FORMAT = 1
/** Time for one build. */
const BUILD_MS = 30 * 60_000

/** Keys of one image in the cache: what it is looked up by, for what stands in it. */
export interface BuildKeys {
  /** Digest of everything it is made from: equal keys mean that nothing need be built. */
  readonly own: string
  /**
   * The same but for the authorities of the host that built it: what comes in a bundle is kept under it, since no other
   * host has just those, and none need have the network that a build asks for.
   */
  readonly bundled: string
}

/** The keys of what a plan is built to. */
export async function buildKeys(shop: Workshop, plan: BuildPlan): Promise<BuildKeys> {
  const bases = basesOf(plan)
  const parts = [
    FORMAT,
    plan.contextDigests,
    plan.dockerfile ?? plan.build.context,
    without(plan.build, 'context', 'additional_contexts', 'secrets'),
    plan.build.secrets?.map(({ source }) => source),
    bases,
    // The one image that may be another under the same name: it comes with the node.
    bases.includes(BASE_IMAGE) ? await imageId(shop.engine, BASE_IMAGE) : undefined,
  ]
  return {
    own: shortDigest(['build', ...parts, shop.certificates]),
    bundled: shortDigest(['bundled', ...parts]),
  }
}

/** Builds an image on the build node; it is called `cacheTag(key)` there afterwards. Throws `BUILD_FAILED`. */
export async function buildImage(
  shop: Workshop,
  plan: BuildPlan,
  key: string,
  progress: (line: string) => void,
): Promise<void> {
  const bases = await Promise.all(basesOf(plan).map((base) => prepareBase(shop, plan, base, progress)))
  const file = buildFile(plan, key, Object.fromEntries(bases.flat()))
  const unit = `lab-build-${key.slice(0, 20)}`
  const command = {
    argv: ['docker', 'compose', '--progress', 'plain', '-p', plan.app, '-f', '-', 'build', plan.service],
    env: { DOCKER_CONFIG: CLIENT_CONFIG },
    stdin: JSON.stringify(escapeDollars(file)),
    timeoutMs: BUILD_MS,
    unit,
  }
  const directory = secretDirectory(key)
  if (plan.secrets.size > 0) await writeSecrets(shop.connection, plan, key)
  const stopFollowing = await followUnit(shop.connection, unit, progress)
  try {
    let result = await shop.connection.exec(command, { signal: shop.signal })
    const isThere = async () => (await imageId(shop.engine, cacheTag(key))) !== undefined
    // A build found at work was waited for, and may have failed: its words went to whoever started it.
    if (result.status === WAITED && !(await isThere())) {
      result = await shop.connection.exec(command, { signal: shop.signal })
    }
    if (await isThere()) return
    throw new LabError('BUILD_FAILED', `${plan.service} cannot be built:\n${whyBuildFailed(result)}`, {
      where: plan.shown,
      hint: 'mend the Dockerfile or its context, then run this again',
    })
  } finally {
    stopFollowing()
    if (plan.secrets.size > 0) await shop.connection.exec({ argv: ['rm', '-rf', '--', directory] })
  }
}

/** Pure: the Compose file that builds one image and nothing else. Values travel in it, on standard input. */
function buildFile(plan: BuildPlan, key: string, contexts: Readonly<Record<string, string>>): unknown {
  const { app, service, build, secrets } = plan
  const inline = build.dockerfile_inline
  return {
    name: app,
    services: {
      [service]: {
        image: cacheTag(key),
        build: {
          ...without(build, 'platforms', 'pull', 'cache_from', 'cache_to', 'tags'),
          ...(inline === undefined ? {} : { dockerfile_inline: withoutSyntaxLine(inline) }),
          labels: { ...build.labels, 'lab.image': 'app', [LABELS.app]: app, [LABELS.service]: service },
          additional_contexts: { ...build.additional_contexts, ...contexts },
        },
      },
    },
    ...(secrets.size === 0 ? {} : { secrets: Object.fromEntries(secretFiles(plan, key)) }),
  }
}

/** Images that the build starts from and that are none of its named contexts. */
export function basesOf(plan: BuildPlan): readonly string[] {
  if (plan.dockerfile === undefined) return []
  const contexts = Object.keys(plan.build.additional_contexts ?? {})
  return dockerfileNeeds(plan.dockerfile, plan.build.args ?? {}).images.filter((name) => !contexts.includes(name))
}

/** Has a base image ready; returns what to build upon instead of it, if anything. */
async function prepareBase(
  shop: Workshop,
  plan: BuildPlan,
  base: string,
  progress: (line: string) => void,
): Promise<readonly (readonly [string, string])[]> {
  let name: string
  try {
    name = await obtainBase(shop, base, plan.build.pull === true && base !== BASE_IMAGE, progress)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    throw new LabError(error.code, `${plan.service} is built upon ${base}, but ${error.message}`, {
      where: plan.shown,
      hint: `nodes carry ${BASE_IMAGE}; other images must be within reach of this machine`,
      cause: error,
    })
  }
  const trusted = shop.certificates === undefined ? name : await trustedBase(shop.engine, name, shop.certificates)
  return trusted === base ? [] : [[contextName(base), `docker-image://${trusted}`]]
}

/** A base image as the builder looks it up among named contexts. */
function contextName(reference: string): string {
  const { host, path, tag, digest } = parseImageName(reference)
  const name = host === 'docker.io' ? path.replace(/^library\//, '') : `${host}/${path}`
  return `${name}${tag === undefined || tag === 'latest' ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** Shows what a unit writes while it runs, whoever started it. Returns how to stop. */
async function followUnit(connection: Connection, unit: string, progress: (line: string) => void): Promise<() => void> {
  const files = ['out', 'err'].map((stream) => `${NODE_PATHS.run}/units/${unit}.${stream}`)
  const tail = await connection.spawn({ argv: ['tail', '-q', '-n', '+1', '-F', ...files] })
  tail.stderr.resume()
  const lines = createInterface({ input: tail.stdout })
  lines.on('line', (line) => {
    // `#5 0.151 text` of a step's output, `#5 [2/3] RUN ...` of its start.
    const text = line.replace(/^#\d+ (?:\d+\.\d+ )?/, '').trim()
    if (text !== '') progress(text)
  })
  return () => {
    lines.close()
    tail.kill()
  }
}

/** On a tmpfs, and gone when the build is. */
function secretDirectory(key: string): string {
  return `${NODE_PATHS.run}/build-secrets/${key}`
}

function secretFiles({ secrets }: BuildPlan, key: string): readonly (readonly [string, { readonly file: string }])[] {
  return [...secrets.keys()].map((name, index) => [name, { file: `${secretDirectory(key)}/${String(index)}` }] as const)
}

async function writeSecrets(connection: Connection, plan: BuildPlan, key: string): Promise<void> {
  await connection.exec({ argv: ['install', '-d', '-m', '0700', '--', secretDirectory(key)] })
  for (const [name, { file }] of secretFiles(plan, key)) {
    await connection.writeFile(file, plan.secrets.get(name) ?? '', 0o600)
  }
}

function without(build: ComposeBuild, ...keys: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(build).filter(([key]) => !keys.includes(key)))
}
