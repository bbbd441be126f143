import { isAbsolute, join, relative } from 'node:path'
import type { AppSources } from '../apps/app-sources.ts'
import { digestApp, gatherSources } from '../apps/app-sources.ts'
import { checkConfig, type ConfigReport } from '../apps/check-config.ts'
import { checkStructure, type StructureReport } from '../apps/check-structure.ts'
import type { ComposeConfig } from '../apps/compose-config.ts'
import { toProblems } from '../apps/compose-file.ts'
import { readConfig, sourceDirectory, uploadSources } from '../apps/compose-tool.ts'
import { findApp } from '../apps/find-app.ts'
import { readApp, type App } from '../apps/read-app.ts'
import { readSwarmFiles, type SwarmFile } from '../apps/swarm-files.ts'
import { findProduct } from '../config/product.ts'
import type { Connection } from '../model/connection.ts'
import { InvalidFileError, type Problem } from '../model/errors.ts'
import { LABELS, RESERVED_NAMES } from '../model/names.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { readRoutes } from '../overlay/edge-config.ts'
import type { ServiceView } from '../swarm/services.ts'
import type { OpenLab } from './open-lab.ts'

/** Which app to deploy, and how. */
export interface DeployOptions {
  /** A name (`nodeapp`) or a path (`./nodeapp`). */
  readonly app: string
  /** False: deploy what was pushed last. */
  readonly build: boolean
  /** Parameters of a template. */
  readonly set: Readonly<Record<string, string>>
  /** What a path is relative to; the working directory when absent. */
  readonly workingDirectory?: string
}

/** An app as far as this machine alone can tell. */
export interface LocalApp {
  readonly app: App
  readonly sources: AppSources
  readonly structure: StructureReport
  /** Digest of everything that decides how it runs. */
  readonly digest: string
}

/** An app that was read and found good. */
export interface DeployPlan {
  readonly config: ComposeConfig
  readonly files: readonly SwarmFile[]
  /** What its author should know though nothing is wrong. */
  readonly remarks: readonly Problem[]
}

/** Where apps are looked for by name: beside lab.yml, then among those that come with lab. */
function appShelves(lab: OpenLab): readonly string[] {
  return [join(lab.lab.directory, 'apps'), join(findProduct().directory, 'apps')]
}

/** Reads an app on this machine. Throws `InvalidFileError` at once for what no tool could read. */
export async function readLocally(lab: OpenLab, options: DeployOptions): Promise<LocalApp> {
  const workingDirectory = options.workingDirectory ?? process.cwd()
  const found = await findApp(options.app, { workingDirectory, shelves: appShelves(lab) })
  const app = await readApp(found, {
    workingDirectory,
    environment: process.env,
    vars: lab.spec.vars,
    settings: options.set,
  })
  const reports = app.mainFiles.map((file) => checkStructure(file.value))
  const structure = {
    problems: reports.flatMap(({ problems }) => problems),
    remarks: reports.flatMap(({ remarks }) => remarks),
    readable: reports.every(({ readable }) => readable),
  }
  if (!structure.readable) throw new InvalidFileError(toProblems(app.files, structure.problems))
  const sources = await gatherSources(app, [lab.lab.stateDirectory])
  return { app, sources, structure, digest: await digestApp(app, sources, { edgePorts: lab.spec.edge.ports }) }
}

/**
 * Has the build node's own tools read the app, and checks what comes out against the lab and the other apps in it.
 * Throws `InvalidFileError` with every problem at once; nothing was changed then.
 */
export async function planDeploy(
  lab: OpenLab,
  local: LocalApp,
  build: { readonly connection: Connection; readonly platform: string },
  services: readonly ServiceView[],
): Promise<DeployPlan> {
  const { app, sources, structure } = local
  try {
    await uploadSources(build.connection, app.name, sources)
    const answer = await readConfig(build.connection, app, sources, process.env['HOME'] ?? '/root')
    const report = checkConfig(answer.config, {
      app: app.name,
      written: app.mainFiles[0]?.value,
      sourceDirectory: sourceDirectory(app.name),
      platform: build.platform,
      reserved: [...RESERVED_NAMES, ...lab.spec.nodes.map(({ name }) => name)],
      workers: nodesWithRole(lab.spec, 'worker').map(({ name }) => name),
      edgePorts: lab.spec.edge.ports,
      others: otherServices(services, app.name),
    })
    const read = await readSwarmFiles(answer.config, app.name, {
      localPath: (path) => localPath(path, app, sources),
      rendered: app.rendered,
      variables: app.variables,
    })
    const problems = [...structure.problems, ...report.problems, ...read.problems]
    if (problems.length > 0) throw new InvalidFileError(toProblems(app.files, problems))
    return {
      config: answer.config,
      files: read.files,
      remarks: [...answer.remarks, ...remarksOf(app, structure, report)],
    }
  } catch (error) {
    // The file is wrong whether or not the lab could be asked about the rest of it.
    if (structure.problems.length === 0) throw error
    const said = error instanceof InvalidFileError ? error.problems : []
    const known = toProblems(app.files, structure.problems)
    throw new InvalidFileError([...known, ...said.filter((problem) => !known.some((other) => same(problem, other)))])
  }
}

/** Services that other apps have, with the ports of the edge that are theirs. */
export function otherServices(
  services: readonly ServiceView[],
  app: string,
): readonly { readonly app: string; readonly service: string; readonly routes: ReturnType<typeof readRoutes> }[] {
  return services
    .filter((service) => service.app !== app)
    .map((service) => ({ app: service.app, service: service.name, routes: readRoutes(service.labels[LABELS.routes]) }))
}

/** A file on the build node as it is here: below the app's own tree, or by the path it was written with. */
function localPath(path: string, app: App, sources: AppSources): string {
  const below = relative(sourceDirectory(app.name), path)
  return below.startsWith('..') || isAbsolute(below) ? path : join(sources.root, below)
}

function remarksOf(app: App, structure: StructureReport, report: ConfigReport): readonly Problem[] {
  return toProblems(app.files, [...structure.remarks, ...report.remarks])
}

function same(one: Problem, other: Problem): boolean {
  return one.file === other.file && one.line === other.line && one.message === other.message
}
