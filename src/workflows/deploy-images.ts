import pLimit from 'p-limit'
import { basename, join } from 'node:path'
import { readFile } from 'node:fs/promises'
import type { BuildPlan } from '../apps/build-image.ts'
import type { ComposeService } from '../apps/compose-config.ts'
import { locate } from '../apps/compose-file.ts'
import { sourceDirectory } from '../apps/compose-tool.ts'
import { withoutSyntaxLine } from '../apps/dockerfile.ts'
import { PullMemory } from '../apps/pull-image.ts'
import { registryLogin } from '../apps/push-image.ts'
import { RegistryClient } from '../apps/registry-client.ts'
import {
  keptImages,
  resolveImage,
  type ImageRequest,
  type KeptImage,
  type ResolvedImage,
} from '../apps/resolve-image.ts'
import type { SwarmFile } from '../apps/swarm-files.ts'
import { clientConfig, installClientConfig, type Workshop } from '../apps/workshop.ts'
import { LabError } from '../model/errors.ts'
import { REGISTRY_PORT } from '../model/names.ts'
import { firstNode, type Site } from '../model/site.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import type { DeployPlan, LocalApp } from './deploy-plan.ts'
import { refuseLoopbackProxy } from './host-proxy.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** One memory a lab and process: what did not answer for one app is not asked again for the next. */
const memories = new WeakMap<OpenLab, PullMemory>()
/** Images made at a time: builds use more than one processor by themselves. */
const AT_A_TIME = 2

/** Work that may go on beside the rest of a deploy, and is done when `settle` returns. */
export class Beside {
  private readonly running: Promise<void>[] = []

  start(work: () => Promise<void>, onError: (error: unknown) => void): void {
    this.running.push(work().catch(onError))
  }

  async settle(): Promise<void> {
    await Promise.all(this.running)
  }
}

/** Readies the build node for making images. */
export async function openWorkshop(lab: OpenLab, beside: Beside): Promise<Workshop> {
  const node = buildNode(lab)
  const connection = await lab.connect(node).catch((error: unknown) => {
    if (!(error instanceof LabError)) throw error
    const { message, code, hint, where } = error
    throw new LabError(code, `apps are built on ${node}, and ${message}`, { where, hint, cause: error })
  })
  const [engine, site] = await Promise.all([lab.engine(node), lab.site()])
  await refuseLoopbackProxy(site.host)
  await installClientConfig(connection, clientConfig(site.registry.password, site.host.proxy))
  const memory = memories.get(lab) ?? new PullMemory()
  memories.set(lab, memory)
  return {
    connection,
    engine,
    registry: openRegistry(lab, site),
    auth: registryLogin(site.registry.password),
    certificates: site.host.extraCertificates,
    cache: lab.provider.imageCache,
    memory,
    signal: lab.signal,
    later: (work) => {
      beside.start(work, (error) => {
        // Losing the copy costs the next lab a build, no more.
        const message = error instanceof Error ? error.message : String(error)
        if (!lab.signal.aborted) lab.emit({ type: 'notice', level: 'warning', message })
      })
    },
  }
}

/** The lab's registry, through the connection to its node. */
export function openRegistry(lab: OpenLab, site: Site): RegistryClient {
  const keeper = firstNode(site, 'registry')
  return new RegistryClient({
    open: async () => (await lab.connect(keeper.name)).openTcp(keeper.address, REGISTRY_PORT),
    authority: site.ca.certificate,
    password: site.registry.password,
    signal: lab.signal,
  })
}

/** Name of the node that builds. */
function buildNode(lab: OpenLab): string {
  const [node] = nodesWithRole(lab.spec, 'build')
  if (node === undefined) throw new LabError('NO_SUCH_ROLE', 'no node has the role "build"')
  return node.name
}

/** Sees to the images of all services; each is a task of its own. */
export async function resolveImages(
  lab: OpenLab,
  shop: Workshop,
  local: LocalApp,
  { config, files }: DeployPlan,
  build: boolean,
): Promise<ReadonlyMap<string, ResolvedImage>> {
  const limit = pLimit(AT_A_TIME)
  const resolved = await Promise.all(
    Object.entries(config.services).map(([name, service]) =>
      limit(async () => {
        const request = await requestOf(local, files, name, service)
        return runTask(lab.emit, `image of ${name}`, async (task) => {
          const image = await resolveImage(shop, request, {
            build,
            progress: (line) => {
              task.progress(line)
            },
            notice: (message) => {
              lab.emit({ type: 'notice', level: 'info', message })
            },
          })
          if (image.isNew) task.detail(image.story)
          else task.unchanged(image.story)
          return [name, image] as const
        })
      }),
    ),
  )
  return new Map(resolved)
}

/** The host's copies of the images of all services, for a bundle. They must have been resolved. */
export async function imagesToBundle(shop: Workshop, local: LocalApp, plan: DeployPlan): Promise<readonly KeptImage[]> {
  const kept: KeptImage[] = []
  for (const [name, service] of Object.entries(plan.config.services))
    kept.push(...(await keptImages(shop, await requestOf(local, plan.files, name, service))))
  return kept
}

async function requestOf(
  local: LocalApp,
  files: readonly SwarmFile[],
  name: string,
  service: ComposeService,
): Promise<ImageRequest> {
  const { file, line, column } = locate(
    local.app.files,
    ['services', name, service.build === undefined ? 'image' : 'build'],
    'key',
  )
  const where = `${file}:${String(line)}:${String(column)}`
  return {
    app: local.app.name,
    service: name,
    image: service.image,
    plan: service.build === undefined ? undefined : await buildPlan(local, files, name, service, where),
    pullPolicy: service.pull_policy,
    where,
  }
}

async function buildPlan(
  { app, sources }: LocalApp,
  files: readonly SwarmFile[],
  name: string,
  { build = {} }: ComposeService,
  where: string,
): Promise<BuildPlan> {
  const contexts = [build.context ?? '.', ...Object.values(build.additional_contexts ?? {})].map((path) =>
    fromNode(path),
  )
  const main = contexts[0]
  const path = build.dockerfile ?? 'Dockerfile'
  const dockerfile = main === undefined ? undefined : path.startsWith('/') ? fromNode(path) : join(main, path)
  const used = new Set((build.secrets ?? []).map(({ source }) => source))
  return {
    app: app.name,
    service: name,
    build,
    dockerfile:
      build.dockerfile_inline ??
      (dockerfile === undefined
        ? undefined
        : (app.rendered.get(dockerfile) ?? (await readDockerfile(dockerfile, where)))),
    shown:
      build.dockerfile_inline === undefined && dockerfile !== undefined ? `${where} (${basename(dockerfile)})` : where,
    contextDigests: contexts.map((directory, index) =>
      directory === undefined
        ? (Object.values(build.additional_contexts ?? {})[index - 1] ?? build.context ?? '')
        : (sources.contexts.get(directory) ?? directory),
    ),
    secrets: new Map(
      files.flatMap(({ section, key, data }) =>
        section === 'secrets' && data !== undefined && used.has(key) ? [[key, data] as const] : [],
      ),
    ),
  }

  /** Where a directory of the build node came from; undefined for one that is not from this machine. */
  function fromNode(directory: string): string | undefined {
    const root = sourceDirectory(app.name)
    return directory === root || directory.startsWith(`${root}/`)
      ? join(sources.root, directory.slice(root.length))
      : undefined
  }
}

async function readDockerfile(path: string, where: string): Promise<string> {
  try {
    return withoutSyntaxLine(await readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new LabError('NO_DOCKERFILE', `there is no ${path}`, {
      where,
      hint: 'name it under build.dockerfile',
      exitCode: 64,
    })
  }
}
