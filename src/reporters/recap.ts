import type { HostRecap, RunEvent } from '../model/events.ts'
import { count, formatDuration } from './quantities.ts'
import type { Paint, Screen } from './style.ts'
import { renderTable, type Cell } from './table.ts'

type RecapEvent = Extract<RunEvent, { type: 'recap' }>

/** From this many nodes on, those with equal counts share a line. */
const MANY = 9

interface RecapColumn {
  readonly count: keyof HostRecap
  readonly word: string
  readonly paint: Paint
}

/** The end of a run of playbooks: a line a node, then what it comes to. `planned`: nothing was changed, only looked at. */
export function renderRecap(event: RecapEvent, planned: boolean, screen: Screen): readonly string[] {
  const { style } = screen
  const hosts = involved(event)
  const rows = collapse(hosts)
  const columns: readonly RecapColumn[] = [
    { count: 'ok', word: 'ok', paint: style.green },
    { count: 'changed', word: planned ? 'would change' : 'changed', paint: style.yellow },
    { count: 'maybe', word: 'may change', paint: style.yellow },
    { count: 'failed', word: 'failed', paint: style.red },
    { count: 'skipped', word: 'skipped', paint: style.dim },
  ]
  // Counts that are zero everywhere are left out, but for the two that everybody looks for.
  const shown = columns.filter(
    ({ count }) => count === 'ok' || count === 'changed' || rows.some(([, host]) => host[count] > 0),
  )
  const table = renderTable(
    [{ title: '' }, ...shown.map(() => ({ title: '', align: 'right' as const }))],
    rows.map(([name, host]) => [
      name,
      ...shown.map(({ count, word, paint }): Cell => {
        const number = host[count]
        return { text: `${String(number)} ${word}`, paint: number === 0 ? style.dim : paint }
      }),
    ]),
    { ...screen, columns: screen.columns - 2 },
  )
  return ['', ...table.map((line) => `  ${line}`), '', verdict(event, hosts.length, planned, screen)]
}

/** The nodes that had a step; all of them where none had. */
function involved({ hosts }: RecapEvent): readonly (readonly [string, HostRecap])[] {
  const all = Object.entries(hosts)
  const busy = all.filter(([, host]) => Object.values(host).some((number) => number > 0))
  return busy.length === 0 ? all : busy
}

function verdict(event: RecapEvent, among: number, planned: boolean, { style }: Screen): string {
  const nodes = count(among, 'node')
  const maybe = Object.values(event.hosts).reduce((sum, host) => sum + host.maybe, 0)
  const time = style.dim(`· ${formatDuration(event.durationMs)}`)
  const changed = count(event.changed, 'change')
  if (event.failed > 0) return `${style.red('✗')} ${String(event.failed)} failed, ${changed} on ${nodes} ${time}`
  if (event.changed + maybe === 0)
    return `${style.green('✓')} ${planned ? 'nothing would change' : '0 changed'} on ${nodes} ${time}`
  if (!planned) return `${style.green('✓')} ${String(event.changed)} changed on ${nodes} ${time}`
  const perhaps = maybe === 0 ? '' : `, ${String(maybe)} more may follow`
  return `${style.yellow('~')} ${changed} pending on ${nodes}${perhaps} ${time}`
}

function collapse(hosts: readonly (readonly [string, HostRecap])[]): readonly (readonly [string, HostRecap])[] {
  if (hosts.length < MANY) return hosts
  const groups = new Map<string, { readonly names: string[]; readonly host: HostRecap }>()
  for (const [name, host] of hosts) {
    const key = JSON.stringify(host)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { names: [name], host })
    else group.names.push(name)
  }
  return [...groups.values()].map(({ names, host }) => [
    names.length < 3
      ? names.join(', ')
      : `${names[0] ?? ''} … ${names.at(-1) ?? ''} (${count(names.length, 'node')} alike)`,
    host,
  ])
}
