import { findProduct } from '../config/product.ts'
import type { Confirm } from '../executor/host.ts'
import { runPlays, type RunSummary } from '../executor/run-plays.ts'
import { choosePlays } from '../executor/select-plays.ts'
import { sourceLine } from '../executor/source-line.ts'
import type { PlaybookOutline } from '../model/documents.ts'
import { leafSteps } from '../model/flow.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import { withGroups } from '../model/node-names.ts'
import type { Site, SiteNode } from '../model/site.ts'
import type { Play, Playbook, Step } from '../model/step.ts'
import { checkDeclared, variableValues, type Variables } from '../model/variables.ts'
import { refreshEditorTypes } from './editor-types.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'
import { loadPlaybook } from './playbook-file.ts'
import { siteNodes } from './site.ts'

/** Which playbook, and which part of it. */
export interface PlaybookChoice {
  /** Absolute path of a TypeScript or JavaScript module. */
  readonly file: string
  readonly limit?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly startAt?: string | undefined
  /** Values for variables the playbook declares. */
  readonly vars?: Readonly<Record<string, string>> | undefined
}

/** How to run it. */
export interface RunPlaybookOptions extends PlaybookChoice {
  /** As typed but for --limit, for errors: `lab run motd.ts --var version=2`. */
  readonly again: string
  /** Change nothing, show what would change. */
  readonly check: boolean
  readonly diff: boolean
  /** Asked before each change. */
  readonly confirm?: Confirm | undefined
}

/** Runs a playbook of the user's own on the lab's nodes, as `up` runs the site's. */
export async function runPlaybook(open: OpenLab, options: RunPlaybookOptions): Promise<RunSummary> {
  const product = findProduct()
  const playbook = await loadPlaybook(options.file, product, open.state)
  await refreshEditorTypes(open.lab.directory, product)
  const run = () => runLoaded(open, playbook, options)
  return options.check ? run() : withLock(open.lab.stateDirectory, 'run', run)
}

async function runLoaded(open: OpenLab, playbook: Playbook<Site>, options: RunPlaybookOptions): Promise<RunSummary> {
  const { again, check, diff, confirm, limit, tags, startAt } = options
  // Plays that are a list need no more of the lab than where its nodes are: its secrets and its swarm are not asked for.
  const site = typeof playbook.plays === 'function' ? await open.site() : undefined
  const summary = await runPlays({
    plays: playsOf(open, playbook, site, options),
    nodes: nodesOf(open, site?.nodes ?? (await siteNodes(open))),
    connect: (node) => open.connect(node),
    mode: check ? 'plan' : 'apply',
    // What a run changed is kept on record with its lines, shown or not.
    diff: diff || !check,
    limit,
    tags,
    startAt,
    confirm,
    again,
    emit: open.emit,
    signal: open.signal,
  })
  const { hosts, changed, failed, durationMs } = summary
  open.emit({ type: 'recap', hosts, changed, failed, durationMs })
  return summary
}

/** What a run would go through. Nodes are not contacted; the lab is, only if the plays are a function of it. */
export async function outlinePlaybook(open: OpenLab, options: PlaybookChoice): Promise<PlaybookOutline> {
  const playbook = await loadPlaybook(options.file, findProduct(), open.state)
  const site = typeof playbook.plays === 'function' ? await open.site() : undefined
  const { plays } = choosePlays(playsOf(open, playbook, site, options), nodesOf(open, site?.nodes ?? []), options)
  return {
    playbook: playbook.name,
    plays: plays.map(({ play, steps }) => ({
      play: play.name,
      tags: play.tags ?? [],
      nodes: [...steps.keys()],
      steps: outlineSteps(steps),
    })),
  }
}

function outlineSteps(steps: ReadonlyMap<string, readonly Step[]>): PlaybookOutline['plays'][number]['steps'] {
  const found = new Map<string, { title: string; kind: string; nodes: string[]; where: string | undefined }>()
  for (const [node, own] of steps) {
    for (const { title: wanted, kind, source, on } of leafSteps(own)) {
      const title = on === undefined ? wanted : `${wanted} (on ${on})`
      const where = sourceLine(source)
      const key = JSON.stringify([kind, title, where])
      const known = found.get(key)
      if (known === undefined) found.set(key, { title, kind, nodes: [node], where })
      else if (!known.nodes.includes(node)) known.nodes.push(node)
    }
  }
  return [...found.values()]
}

/** All nodes of the lab: those that are not up are reported by the run, not passed over. */
function nodesOf(open: OpenLab, known: readonly SiteNode[]): readonly NodeSpec[] {
  const nodes = open.spec.nodes.map((node) => known.find(({ name }) => name === node.name) ?? node)
  return withGroups(nodes, open.spec.groups)
}

function playsOf(
  open: OpenLab,
  playbook: Playbook<Site>,
  site: Site | undefined,
  { vars: given = {} }: PlaybookChoice,
): readonly Play[] {
  const variables = variablesOf(open, playbook, given)
  if (typeof playbook.plays !== 'function') return playbook.plays
  if (site === undefined) throw new TypeError('plays that are a function need the site')
  return playbook.plays({ ...site, ...variables })
}

function variablesOf(
  { spec }: OpenLab,
  { vars: declared = {} }: Playbook<Site>,
  given: Readonly<Record<string, string>>,
): Variables<unknown> {
  checkDeclared(declared, given)
  const lab = { where: 'vars in lab.yml', values: spec.vars }
  const line = { where: '--var', values: given }
  const ofNode = (name: string) => {
    const groups = Object.entries(spec.groups ?? {}).filter(([, { nodes }]) => nodes.includes(name))
    const node = spec.nodes.find((each) => each.name === name)
    return variableValues(declared, [
      lab,
      ...groups.map(([group, { vars }]) => ({ where: `vars of the group ${group} in lab.yml`, values: vars })),
      { where: `vars of ${name} in lab.yml`, values: node?.vars ?? {} },
      line,
    ])
  }
  // Every value of the wrong kind is found now, not when somebody uses it.
  const nodes = new Map(spec.nodes.map(({ name }) => [name, ofNode(name)]))
  return {
    vars: variableValues(declared, [lab, line]),
    varsOf: ({ name }) => nodes.get(name) ?? ofNode(name),
  }
}
