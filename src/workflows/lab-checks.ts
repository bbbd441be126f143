import type { Check } from '../model/check.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole, type LabIdentity, type LabSpec } from '../model/lab-spec.ts'
import { certificateEnds } from '../secrets/lab-secrets.ts'
import { listNodes, type SwarmNode } from '../swarm/nodes.ts'
import { edgeTroubles } from './edge-troubles.ts'
import { within } from './glance.ts'
import { askedImages } from './images-check.ts'
import { askedNames } from './names-check.ts'
import { managerTroubles, nodeTroubles, viewNodes, type NodeView } from './node-troubles.ts'
import { openLab, type OpenLab } from './open-lab.ts'
import { poolChecks } from './pool-checks.ts'

/** Longest a manager may take to say who belongs to the swarm. */
const SWARM_MS = 2500
const DAY_MS = 86_400_000

/**
 * How a lab that was brought up is: its nodes, managers, edges, names, images, pools and certificates. Nothing where there is
 * no lab yet, or where its machines cannot be asked for: what is missing for that has a check of its own.
 */
export async function labChecks(lab: LabIdentity, spec: LabSpec): Promise<readonly Check[]> {
  const open = await openLab({ lab, spec, emit: () => undefined, signal: new AbortController().signal })
  try {
    if ((await open.machines()).length === 0) return []
    // Nobody waits for it on every key press: a machine that has much to do shall not count as dead.
    const [views, members] = await Promise.all([viewNodes(open), listMembers(open)])
    const asked = members === undefined ? [] : await Promise.all([askedNames(open), askedImages(open)])
    const answering = views.filter(({ health }) => health !== undefined).map(({ name }) => name)
    return [
      ...views.map((view) => nodeCheck(view, members)),
      ...managerChecks(spec, members),
      ...edgeChecks(spec, views),
      ...asked.flat(),
      ...(await poolChecks(open, answering)),
      ...(await certificateChecks(open)),
    ]
  } catch (error) {
    if (error instanceof LabError) return []
    throw error
  } finally {
    await open.close()
  }
}

async function listMembers(open: OpenLab): Promise<readonly SwarmNode[] | undefined> {
  try {
    return await within(SWARM_MS, open.signal, async (signal) => listNodes((await open.manager()).engine, signal))
  } catch {
    // No manager answers, which is a finding of its own.
    open.signal.throwIfAborted()
    return undefined
  }
}

/** Pure: a node in one line: what is wrong with it, or that nothing is. */
export function nodeCheck(view: NodeView, members: readonly SwarmNode[] | undefined): Check {
  const name = `node ${view.name}`
  const [first, ...others] = nodeTroubles(view, members)
  if (first === undefined) return { name, ok: true, detail: `answers${leads(view.name, members) ? ', leads' : ''}` }
  const hints = [first, ...others].flatMap(({ hint }) => hint ?? [])
  const detail = [first, ...others].map(({ text }) => text).join('; ')
  return { name, ok: false, detail, ...(hints.length === 0 ? {} : { hint: [...new Set(hints)].join('; ') }) }
}

function leads(name: string, members: readonly SwarmNode[] | undefined): boolean {
  return members?.some((member) => member.name === name && member.leader) ?? false
}

function managerChecks(spec: LabSpec, members: readonly SwarmNode[] | undefined): readonly Check[] {
  const managers = nodesWithRole(spec, 'manager').map(({ name }) => name)
  const leader = members?.find((member) => member.leader)?.name
  const troubles = managerTroubles(managers, members)
  if (troubles.length > 0) {
    return [{ name: 'managers', ok: false, detail: troubles.join('; '), hint: 'lab up starts managers that are off' }]
  }
  if (leader === undefined) {
    const detail = `no manager answers (${managers.join(', ')}): what runs goes on, nothing can be changed`
    return [{ name: 'managers', ok: false, detail, hint: 'lab up' }]
  }
  return [
    {
      name: 'managers',
      ok: true,
      detail: `${leader} leads${managers.length > 1 ? ` ${String(managers.length)}` : ''}`,
    },
  ]
}

function edgeChecks(spec: LabSpec, views: readonly NodeView[]): readonly Check[] {
  const edges = nodesWithRole(spec, 'edge').map(({ name }) => name)
  const troubles = edgeTroubles(edges, views)
  if (troubles.length > 0) return [{ name: 'edges', ok: false, detail: troubles.join('; ') }]
  return [{ name: 'edges', ok: true, detail: `${edges.join(', ')} ${edges.length === 1 ? 'answers' : 'answer'}` }]
}

async function certificateChecks(open: OpenLab): Promise<readonly Check[]> {
  const ends = await certificateEnds(open.state)
  const now = Date.now()
  return ends.map(({ name, notAfter, renewed }) => {
    const days = Math.floor((notAfter.getTime() - now) / DAY_MS)
    const detail = `the ${name} is valid until ${notAfter.toISOString().slice(0, 10)}`
    return {
      name: 'certificate',
      ok: !renewed,
      detail,
      ...(renewed ? { hint: `lab up renews it (${String(days)} days left)` } : {}),
    }
  })
}
