import { readSource } from '../apps/image-source.ts'
import { pinnedDigest } from '../apps/registry-garbage.ts'
import { FIND_LACKING, withoutRegistry } from '../apps/registry-lack.ts'
import { LabError, toLabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { LABELS, NODE_PATHS } from '../model/names.ts'
import { quoteAll } from '../shell/quote.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import type { OpenLab } from './open-lab.ts'
import { lackOnWorkers, pullLacking } from './pull-on-workers.ts'
import { refill } from './refill-registry.ts'
import { runTask } from './task.ts'

/** Time for the registry's node to look through its files. */
const LOOK_MS = 15_000

/**
 * Sees to it that images which services are pinned to can be pulled from the lab's registry, and that every worker holds them:
 * the registry may be new, and so may workers. Changes nothing else. Returns the services whose image cannot be had any more;
 * none where the registry's node cannot be asked.
 */
export async function supplyImages(lab: OpenLab, services: readonly ServiceView[]): Promise<readonly ServiceView[]> {
  const references = pinnedImages(services)
  if (references.length === 0) return []
  const [absent, lacks] = await Promise.all([absentImages(lab, references), lackOnWorkers(lab, references)])
  // Nothing can be pushed, and nothing pulled.
  if (absent === undefined) return []
  const lost = new Set(absent)
  for (const reference of absent) {
    const own = services.filter(({ image }) => image === reference)
    try {
      await runTask(lab.emit, `image of ${names(own)} into the registry again`, async (task) => {
        const source = readSource(own[0]?.labels[LABELS.image])
        if (await refill(lab, { reference, source }, task)) lost.delete(reference)
        else task.unchanged('cannot be put back as it was')
      })
    } catch (error) {
      lab.signal.throwIfAborted()
      lab.emit({ type: 'notice', level: 'warning', message: `${names(own)}: ${toLabError(error).message}` })
    }
  }
  const wanted = lacks.map((lack) => ({ ...lack, missing: lack.missing.filter((reference) => !lost.has(reference)) }))
  await pullLacking(
    lab,
    wanted.filter(({ missing }) => missing.length > 0),
  )
  return services.filter(({ image }) => lost.has(image))
}

/** The same for all services there are; says what only a deploy can make again. */
export async function supplyAllImages(lab: OpenLab): Promise<void> {
  const services = await listServices((await lab.manager()).engine, lab.signal)
  for (const message of lostTexts(await supplyImages(lab, services)))
    lab.emit({ type: 'notice', level: 'warning', message })
}

/** Services whose image the lab's registry does not have; undefined where its node does not answer. Changes nothing. */
export async function servicesWithoutImage(lab: OpenLab): Promise<readonly ServiceView[] | undefined> {
  const services = await listServices((await lab.manager()).engine, lab.signal)
  const absent = await absentImages(lab, pinnedImages(services))
  return absent === undefined ? undefined : services.filter(({ image }) => absent.includes(image))
}

/** Pure: a sentence an app whose images are lost, with what to type. */
export function lostTexts(services: readonly ServiceView[]): readonly string[] {
  return [...new Set(services.map(({ app }) => app))].map((app) => {
    const own = services.filter((service) => service.app === app)
    const what = `the image of ${names(own)} is gone from the registry, and cannot be put back as it was`
    return `${what}: only nodes that hold it can run it ("lab deploy ${app}" makes it anew)`
  })
}

/** Pure: the images of services that are to be in the lab's registry, each once. */
function pinnedImages(services: readonly ServiceView[]): readonly string[] {
  return [...new Set(services.map(({ image }) => image))].filter((image) => pinnedDigest(image) !== undefined)
}

function names(services: readonly ServiceView[]): string {
  return services.map(({ name }) => name).join(', ')
}

/** Which images the registry does not have whole, by what is on its disk; undefined where its node does not answer. */
async function absentImages(lab: OpenLab, references: readonly string[]): Promise<readonly string[] | undefined> {
  const [keeper] = nodesWithRole(lab.spec, 'registry')
  if (keeper === undefined || references.length === 0) return []
  const directory = `${NODE_PATHS.state}/registry`
  const script = `set -eu -- ${quoteAll([directory, ...references.map(withoutRegistry)])}\n${FIND_LACKING}`
  try {
    const connection = await lab.connect(keeper.name)
    const { status, stdout } = await connection.script(script, { timeoutMs: LOOK_MS, signal: lab.signal })
    if (status !== 0) return undefined
    const absent = stdout.split('\n')
    return references.filter((reference) => absent.includes(withoutRegistry(reference)))
  } catch (error) {
    lab.signal.throwIfAborted()
    // That it is away is told elsewhere; what runs does not need it.
    if (error instanceof LabError) return undefined
    throw error
  }
}
