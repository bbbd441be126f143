import type { ComposeConfig } from '../apps/compose-config.ts'
import type { ScaledReplicas, StackInputs } from '../apps/stack-file.ts'
import { deployStack } from '../apps/stack.ts'
import { createSwarmFiles, removeSwarmFiles, type SwarmFile } from '../apps/swarm-files.ts'
import { toStack } from '../apps/transform.ts'
import { clientConfig, installClientConfig, type Workshop } from '../apps/workshop.ts'
import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { ServicesFailedError } from '../swarm/service-watch.ts'
import { Beside, openWorkshop, resolveImages } from './deploy-images.ts'
import { recover, waitUntilUp } from './deploy-outcome.ts'
import {
  otherServices,
  planDeploy,
  readLocally,
  type DeployOptions,
  type DeployPlan,
  type LocalApp,
} from './deploy-plan.ts'
import { waitForEdge } from './edge.ts'
import { withImagesOf } from './image-locks.ts'
import { applyEdgeInTurn, inTurn } from './in-turn.ts'
import type { OpenLab } from './open-lab.ts'
import { pullOnWorkers } from './pull-on-workers.ts'
import { supplyImages } from './supply-images.ts'
import { runTask } from './task.ts'
import { ensureVolumes, namesOfVolumes } from './app-volumes.ts'
import { finishOpenMoves } from './volumes.ts'

export type { DeployOptions } from './deploy-plan.ts'

/** What a deploy did. */
export interface DeployResult {
  readonly app: string
  readonly services: readonly string[]
  /** Something that runs is another now, or is gone. */
  readonly changed: boolean
  readonly durationMs: number
}

/** Bytes of a VXLAN packet that are not payload. */
const VXLAN_OVERHEAD = 50

/**
 * From an app's directory to running, healthy services; or, where that fails, back to what ran before. Deploying what is
 * deployed changes nothing. Throws `InvalidFileError` with every problem of the app's files, `DEPLOY_FAILED` with what
 * the failing tasks said.
 */
export async function deploy(lab: OpenLab, options: DeployOptions): Promise<DeployResult> {
  const started = performance.now()
  const local = await readLocally(lab, options)
  const { name } = local.app
  const outcome = await withImagesOf(lab, name, `deploy ${name}`, () => deployLocked(lab, local, options))
  const result = { app: name, ...outcome, durationMs: Math.round(performance.now() - started) }
  lab.emit({ type: 'deployed', ...result })
  return result
}

type Outcome = Pick<DeployResult, 'services' | 'changed'>

async function deployLocked(lab: OpenLab, local: LocalApp, options: DeployOptions): Promise<Outcome> {
  const { engine } = await lab.manager()
  const own = await servicesOf(lab, local.app.name)
  const isThere = options.build && isDeployed(own, local.digest)
  // What was pushed last is looked for in the registry, which may have lost it.
  const lost = isThere || !options.build ? await supplyImages(lab, own) : []
  if (isThere && lost.length === 0) {
    await applyEdgeInTurn(lab)
    await waitUntilUp(lab, engine, own, { updated: false })
    return { services: own.map((service) => service.name), changed: false }
  }
  const beside = new Beside()
  try {
    return await rollOut(lab, local, options, beside)
  } finally {
    await beside.settle()
  }
}

async function rollOut(lab: OpenLab, local: LocalApp, options: DeployOptions, beside: Beside): Promise<Outcome> {
  const app = local.app.name
  const shop = await openWorkshop(lab, beside)
  const plan = await runTask(lab.emit, `read ${app}`, async () => {
    const [{ Os, Arch }, services] = await Promise.all([shop.engine.version(), listServicesNow(lab)])
    return planDeploy(lab, local, { connection: shop.connection, platform: `${Os}/${Arch}` }, services)
  })
  for (const { file, line, column, message } of plan.remarks) {
    const place = `${file}:${String(line)}:${String(column)}`
    lab.emit({ type: 'notice', level: 'warning', message: `${place}: ${message}` })
  }
  const used = namesOfVolumes(app, plan.config)
  await finishOpenMoves(lab, (record) => record.app === app || used.includes(record.name))
  const images = await resolveImages(lab, shop, local, plan, options.build)
  const volumes = await ensureVolumes(lab, app, plan.config)
  await pullOnWorkers(lab, [...new Set([...images.values()].map(({ reference }) => reference))])

  const before = await servicesOf(lab, app)
  const inputs: StackInputs = {
    app,
    images,
    volumes,
    configs: namesOf(plan.files, 'configs'),
    secrets: namesOf(plan.files, 'secrets'),
    scaled: scaledReplicas(before),
    // What was pushed last says nothing of the source as it is: the next deploy has to look.
    deployed: marker(options.build ? local.digest : `as-pushed-${local.digest}`, plan.config),
    overlayMtu: (await lab.site()).network.mtu - VXLAN_OVERHEAD,
  }
  await runTask(lab.emit, `deploy ${app}`, () => inTurn(lab, () => handOver(lab, shop, plan, inputs)))
  const { engine } = await lab.manager()
  const names = Object.keys(plan.config.services).sort()
  const after = (await servicesOf(lab, app)).filter(({ name }) => names.includes(name))
  try {
    await applyEdgeInTurn(lab)
    await waitUntilUp(lab, engine, after, { updated: true })
    await waitForEdge(lab, after)
  } catch (error) {
    if (!(error instanceof ServicesFailedError)) throw error
    throw await recover(lab, app, before, error)
  }
  const removed = await removeOthers(lab, app, names)
  await removeSwarmFiles(engine, app, new Set(plan.files.map(({ name }) => name)))
  return { services: names, changed: removed || !sameServices(before, after) }
}

async function handOver(lab: OpenLab, shop: Workshop, plan: DeployPlan, inputs: StackInputs): Promise<void> {
  const { app } = inputs
  const { node, engine } = await lab.manager()
  refuseTaken(await listServicesNow(lab), app, plan.config)
  const connection = await lab.connect(node)
  if (node !== shop.connection.node) {
    const site = await lab.site()
    await installClientConfig(connection, clientConfig(site.registry.password, site.host.proxy))
  }
  await createSwarmFiles(engine, app, plan.files)
  await deployStack(connection, app, toStack(plan.config, inputs))
}

/** Somebody else's deploy may have taken a name since the file was checked. */
function refuseTaken(services: readonly ServiceView[], app: string, config: ComposeConfig): void {
  const taken = otherServices(services, app).find(({ service }) => Object.hasOwn(config.services, service))
  if (taken === undefined) return
  throw new LabError('NAME_TAKEN', `service ${taken.service} belongs to app ${taken.app} now`, {
    where: app,
    hint: 'names are lab-wide: call the service something else',
  })
}

/** Takes away the services that are no longer in the file. Their volumes stay. */
async function removeOthers(lab: OpenLab, app: string, names: readonly string[]): Promise<boolean> {
  const { engine } = await lab.manager()
  const others = (await servicesOf(lab, app)).filter(({ name }) => !names.includes(name))
  if (others.length === 0) return false
  await runTask(lab.emit, `remove ${others.map(({ name }) => name).join(', ')}`, async () => {
    await Promise.all(others.map(({ id }) => engine.getService(id).remove()))
    await applyEdgeInTurn(lab)
  })
  return true
}

async function listServicesNow(lab: OpenLab): Promise<readonly ServiceView[]> {
  return listServices((await lab.manager()).engine, lab.signal)
}

async function servicesOf(lab: OpenLab, app: string): Promise<readonly ServiceView[]> {
  return (await listServicesNow(lab)).filter((service) => service.app === app)
}

/** The label's text: the digest, and how many services there are, so that a missing one shows. */
function marker(digest: string, config: ComposeConfig): string {
  return `${digest}/${String(Object.keys(config.services).length)}`
}

/** Pure: whether all services of an app, and as many as it has, are of this digest. */
export function isDeployed(own: readonly ServiceView[], digest: string): boolean {
  const wanted = `${digest}/${String(own.length)}`
  return own.length > 0 && own.every(({ labels }) => labels[LABELS.deployed] === wanted)
}

function namesOf(files: readonly SwarmFile[], section: SwarmFile['section']): ReadonlyMap<string, string> {
  return new Map(files.filter((file) => file.section === section).map(({ key, name }) => [key, name]))
}

function scaledReplicas(services: readonly ServiceView[]): ReadonlyMap<string, ScaledReplicas> {
  return new Map(
    services.flatMap(({ name, labels }) => {
      const { [LABELS.scaled]: scaled, [LABELS.fileReplicas]: file } = labels
      if (scaled === undefined || file === undefined) return []
      return [[name, { replicas: Number(scaled), fileReplicas: Number(file) }] as const]
    }),
  )
}

/** Pure: true when what runs is the same; labels that only say what was deployed do not count. */
export function sameServices(before: readonly ServiceView[], after: readonly ServiceView[]): boolean {
  const picture = (services: readonly ServiceView[]) =>
    JSON.stringify(
      services.map(({ id, mode, replicas, template, labels }) => {
        const rest = Object.entries(labels).filter(([key]) => key !== LABELS.deployed && key !== LABELS.image)
        return [id, mode, replicas, template, rest.sort()]
      }),
    )
  return picture(before) === picture(after)
}
