import type { NodeStatus, ServiceStatus, StatusDocument, TaskStatus } from '../model/documents.ts'
import { bytesText } from '../model/bytes-text.ts'
import type { Screen, Style } from './style.ts'
import { renderTable, type Cell } from './table.ts'
import { printable, wrap } from './text.ts'
import { renderVolumeTable } from './volumes-view.ts'

/** The lab at a glance: nodes, services with their tasks and URLs, volumes. */
export function renderStatus(status: StatusDocument, screen: Screen): readonly string[] {
  const { style } = screen
  const edge = status.edge === undefined ? style.dim('not up') : style.cyan(status.edge)
  // Without a manager that answers nobody knows; the notes say so.
  const known = status.nodes.some(({ swarm }) => swarm !== undefined)
  const services =
    status.services.length > 0
      ? renderServices(status.services, screen)
      : [style.dim(known ? 'no services yet: "lab deploy" deploys the apps of lab.yml' : 'services unknown')]
  return [
    `${style.bold(status.lab)}  ${edge}`,
    '',
    ...renderNodes(status.nodes, screen),
    '',
    ...services,
    ...(status.volumes.length === 0 ? [] : ['', ...renderVolumeTable(status.volumes, screen)]),
    ...(status.notes.length === 0 ? [] : ['']),
    ...status.notes.map((note) => `${style.yellow('!')} ${printable(note)}`),
  ]
}

function renderNodes(nodes: readonly NodeStatus[], screen: Screen): readonly string[] {
  const limited = nodes.some(({ use }) => use !== undefined)
  const networked = nodes.some(({ networks }) => networks !== undefined)
  const columns = [
    { title: 'NODE' },
    { title: 'STATE' },
    { title: 'ADDRESS' },
    ...(networked ? [{ title: 'NETWORKS' }] : []),
    { title: 'SWARM' },
    { title: 'ENGINE' },
    ...(limited ? [{ title: 'MEMORY' }, { title: 'CPUS' }] : []),
    { title: 'ROLES', shrink: true },
  ]
  const rows = nodes.map((node) => [
    node.name,
    { text: `${node.state === 'running' ? '●' : '○'} ${node.state}`, paint: paintOf(node.state, screen.style) },
    node.address ?? '-',
    ...(networked ? [networksText(node.networks)] : []),
    swarmCell(node.swarm, screen.style),
    node.engine?.replace(/\+.*/, '') ?? '-',
    ...(limited ? useCells(node.use, screen.style) : []),
    { text: node.roles.join(' '), paint: screen.style.dim },
  ])
  return renderTable(columns, rows, screen)
}

function networksText(networks: NodeStatus['networks'] = {}): string {
  const all = Object.entries(networks).map(([name, address]) => `${name} ${address}`)
  return all.length === 0 ? '-' : all.join(', ')
}

/** From this share of its memory on, a node is near the point where something in it is killed. */
const NEARLY_ALL = 0.9

function useCells(use: NodeStatus['use'], style: Style): readonly Cell[] {
  if (use === undefined) return ['-', '-']
  const { memoryBytes, memoryLimitBytes, cpus, cpusLimit } = use
  const near = memoryLimitBytes !== undefined && memoryBytes > memoryLimitBytes * NEARLY_ALL
  const of = (used: string, limit: string | undefined) => (limit === undefined ? used : `${used} of ${limit}`)
  return [
    {
      text: of(bytesText(memoryBytes), memoryLimitBytes === undefined ? undefined : bytesText(memoryLimitBytes)),
      paint: near ? style.red : (text) => text,
    },
    of(cpus.toFixed(1), cpusLimit === undefined ? undefined : String(cpusLimit)),
  ]
}

function swarmCell(swarm: string | undefined, style: Style): Cell {
  if (swarm === undefined) return '-'
  return /^(leader|manager|worker|ready)$/.test(swarm) ? swarm : { text: swarm, paint: style.red }
}

function renderServices(services: readonly ServiceStatus[], screen: Screen): readonly string[] {
  const { style } = screen
  const columns = [
    { title: 'SERVICE' },
    { title: 'RUNNING', align: 'right' as const },
    { title: 'NODE' },
    { title: 'ADDRESS' },
    { title: 'STATE' },
    { title: 'URL', shrink: true },
  ]
  const table = renderTable(
    columns,
    services.flatMap((service) => serviceRows(service, style)),
    screen,
  )
  const errors = services.flatMap(({ name, tasks }) =>
    tasks.flatMap(({ node, error }) => {
      if (error === undefined) return []
      const lines = wrap(printable(`${name} on ${node ?? 'no node'}: ${error}`), screen.columns - 2)
      return lines.map((line, index) => `${index === 0 ? style.red('✗') : ' '} ${line}`)
    }),
  )
  return errors.length === 0 ? table : [...table, '', ...errors]
}

/** A row a task; the first has the service's own columns as well. */
function serviceRows(service: ServiceStatus, style: Style): readonly (readonly Cell[])[] {
  const complete = service.running >= service.desired
  const own: readonly Cell[] = [
    { text: service.name, paint: style.bold },
    { text: `${String(service.running)}/${String(service.desired)}`, paint: complete ? style.green : style.red },
  ]
  const url: Cell = { text: service.urls.join(' '), paint: style.cyan }
  const [first, ...rest] = [...service.tasks].sort((a, b) => ((a.node ?? '') < (b.node ?? '') ? -1 : 1))
  const idle: Cell = { text: service.desired === 0 ? 'stopped' : 'waiting', paint: style.dim }
  if (first === undefined) return [[...own, '', '', idle, url]]
  return [[...own, ...taskCells(first, style), url], ...rest.map((task) => ['', '', ...taskCells(task, style)])]
}

function taskCells(task: TaskStatus, style: Style): readonly Cell[] {
  const state = task.state === 'running' && task.health !== 'none' && task.health !== '' ? task.health : task.state
  return [task.node ?? '-', task.address ?? '-', { text: state, paint: paintOf(state, style) }]
}

function paintOf(state: string, style: Style): (text: string) => string {
  if (state === 'running' || state === 'healthy' || state === 'complete') return style.green
  return /^(failed|rejected|unhealthy|unreachable|missing|orphaned)$/.test(state) ? style.red : style.yellow
}
