import type { RunEvent } from '../model/events.ts'
import { FAULT_WORDS } from '../model/fault.ts'
import { renderError } from './error-lines.ts'
import { bytesText } from '../model/bytes-text.ts'
import { count, formatDuration } from './quantities.ts'
import type { Screen } from './style.ts'
import { renderTable } from './table.ts'
import { cut, printable, spread } from './text.ts'

/** Things of one kind that are listed by name; more are counted. */
const ITEMS_SHOWN = 6

type Told = Exclude<RunEvent['type'], 'step' | 'play-started' | 'recap'>

/** How each event reads once it is over; plays, their steps and recaps are told together, elsewhere. */
export type EventFormats = {
  readonly [K in Told]: (event: Extract<RunEvent, { type: K }>, screen: Screen) => readonly string[]
}

/** One formatter an event: a new event without one does not compile. */
export const EVENT_FORMATS: EventFormats = {
  'run-started': (event, { style }) => [
    `${style.bold(`lab ${event.command}`)}${event.lab === undefined ? '' : style.dim(`  ${event.lab}`)}`,
    '',
  ],
  'task-started': () => [],
  'task-progress': () => [],
  'task-finished': (event, screen) => {
    const { style } = screen
    const detail = event.detail === undefined ? '' : printable(event.detail)
    // What was as it should be already and has nothing to say for itself is no news.
    if (event.outcome === 'unchanged' && detail === '') return []
    const signs = { done: style.green('✓'), unchanged: style.dim('·'), failed: style.red('✗') }
    const title = cut(printable(event.title), screen.columns - 16)
    const room = screen.columns - 16 - title.length
    const remark = detail === '' || room < 12 ? '' : `  ${style.dim(cut(detail, room))}`
    const line = `${signs[event.outcome]} ${title}${remark}`
    const rest = detail !== '' && remark === '' ? [`  ${style.dim(detail)}`] : []
    return [spread(line, style.dim(formatDuration(event.durationMs)), screen.columns), ...rest]
  },
  notice: (event, { style }) => [
    `${event.level === 'warning' ? style.yellow('!') : style.cyan('i')} ${printable(event.message)}`,
  ],
  deployed: (event, { columns, style }) => {
    const services = event.services.map(printable).join(', ')
    const line = event.changed
      ? `${style.green('✓')} ${style.bold(event.app)} deployed  ${style.dim(services)}`
      : `${style.dim('·')} ${style.bold(event.app)} is up to date; nothing changed`
    return [spread(line, style.dim(formatDuration(event.durationMs)), columns)]
  },
  scaled: (event, { columns, style }) => {
    const steps =
      event.from === event.to ? `stays at ${String(event.to)}` : `${String(event.from)} → ${String(event.to)}`
    const line = `${style.green('✓')} ${style.bold(event.service)} ${steps}`
    return [
      spread(line, style.dim(formatDuration(event.durationMs)), columns),
      ...(event.addresses.length === 0 ? [] : [`  ${style.dim(event.addresses.join('  '))}`]),
    ]
  },
  promoted: ({ volume, from, to, snapshot, ageMs, lossPossible }, { style }) => {
    if (from === to) return [`${style.dim('·')} ${style.bold(volume)} is on ${to} already; nothing to do`]
    const age = ageMs === undefined ? '' : `, ${formatDuration(ageMs)} old`
    const loss = lossPossible ? ' · what was written after it is not there' : ''
    return [
      `${style.green('✓')} ${style.bold(volume)} ${from} → ${to}`,
      `  ${style.dim(`from ${snapshot}${age}${loss}`)}`,
    ]
  },
  moved: (event, { columns, style }) => {
    const time = style.dim(formatDuration(event.durationMs))
    const volume = style.bold(event.volume)
    if (event.from === event.to)
      return [spread(`${style.dim('·')} ${volume} is on ${event.to} already; nothing to do`, time, columns)]
    const facts = [
      count(event.rounds, 'round'),
      `${bytesText(event.bytesSent)} sent`,
      `${formatDuration(event.blackoutMs)} of downtime`,
    ]
    const line = `${style.green('✓')} ${volume} ${event.from} → ${event.to}`
    return [spread(line, time, columns), `  ${style.dim(facts.join(' · '))}`]
  },
  'move-checked': ({ volume, from, to, ...event }, { style }) => {
    if (from === to) return [`${style.dim('·')} ${style.bold(volume)} is on ${to} already; nothing to do`]
    const sign = event.refused ? style.yellow('!') : style.cyan('i')
    const facts = [
      `about ${bytesText(event.bytes)} to send in ${count(event.rounds, 'round')}`,
      event.refused
        ? 'it would not be stopped: the pause cannot be kept'
        : `about ${formatDuration(event.downtimeMs)} of downtime`,
    ]
    return [
      `${sign} ${style.bold(volume)} ${from} → ${to} ${style.dim('(nothing was changed)')}`,
      `  ${facts.join(' · ')}`,
      ...event.restsOn.map((reason) => `  ${style.dim(`rests on ${printable(reason)}`)}`),
    ]
  },
  'snapshot-saved': (event, { columns, style }) => [
    spread(
      `${style.green('✓')} saved ${style.bold(event.snapshot)}: ${count(event.nodes, 'node')}`,
      style.dim(formatDuration(event.durationMs)),
      columns,
    ),
    `  ${style.dim(`takes ${bytesText(event.sizeBytes)}; ${bytesText(event.sharedBytes)} more it has in common with the lab`)}`,
  ],
  'snapshot-restored': (event, { columns, style }) => [
    spread(
      `${style.green('✓')} the lab is what it was in ${style.bold(event.snapshot)}: ${count(event.nodes, 'node')}`,
      style.dim(formatDuration(event.durationMs)),
      columns,
    ),
  ],
  'snapshot-deleted': (event, { columns, style }) => [
    spread(
      `${style.green('✓')} deleted ${style.bold(event.snapshot)}: ${bytesText(event.sizeBytes)} are free again`,
      style.dim(formatDuration(event.durationMs)),
      columns,
    ),
  ],
  fault: ({ fault, node, atMs }, { style }) => [
    `${style.dim(clock(atMs))}  ${style.yellow('✗')} ${FAULT_WORDS[fault]} ${style.bold(node)}`,
  ],
  'fault-seen': ({ seen }, { style }) => seen.map((sentence) => `       ${style.dim(`  ${printable(sentence)}`)}`),
  'fault-healed': (event, { style }) => {
    const { node, atMs, healedMs, elsewhereMs, requests, failedRequests, violations } = event
    const facts = [
      ...(elsewhereMs === undefined ? [] : [`all ran elsewhere after ${formatDuration(elsewhereMs)}`]),
      ...(requests === 0 ? [] : [`${String(failedRequests)} of ${count(requests, 'request')} failed`]),
    ]
    return [
      `${style.dim(clock(atMs))}  ${style.green('✓')} ${node} healed after ${formatDuration(healedMs)}`,
      ...(facts.length === 0 ? [] : [`         ${style.dim(facts.join(' · '))}`]),
      ...violations.map((text) => `         ${style.red('✗')} ${printable(text)}`),
    ]
  },
  chaos: (event, { columns, style }) => {
    const { seed, faults, requests, failedRequests, acknowledged, volumes, violations } = event
    const sign = violations.length === 0 ? style.green('✓') : style.red('✗')
    const facts = [
      ...(requests === 0 ? [] : [`${String(failedRequests)} of ${count(requests, 'request')} failed`]),
      ...(acknowledged === 0 ? [] : [`${count(acknowledged, 'write')} acknowledged and read back`]),
      ...(volumes.length === 0 ? [] : [`writers of ${volumes.map(printable).join(', ')} watched`]),
    ]
    const line = `${sign} seed ${String(seed)}: ${count(faults, 'fault')}, all healed`
    return [
      '',
      spread(line, style.dim(formatDuration(event.durationMs)), columns),
      ...(facts.length === 0 ? [] : [`  ${style.dim(facts.join(' · '))}`]),
    ]
  },
  pruned: ({ check, parts, bytes, durationMs }, { columns, style }) => {
    const time = style.dim(formatDuration(durationMs))
    if (parts.length === 0) return [spread(`${style.dim('·')} nothing to remove`, time, columns)]
    const verb = check ? 'would go' : 'are free again'
    const sign = check ? style.yellow('~') : style.green('✓')
    return [
      ...parts.flatMap((part) => [
        `  ${part.place}: ${part.kind} ${style.dim(`(${bytesText(part.bytes)})`)}`,
        ...part.items.slice(0, ITEMS_SHOWN).map((item) => `    ${style.dim(printable(item))}`),
        ...(part.items.length > ITEMS_SHOWN
          ? [`    ${style.dim(`and ${String(part.items.length - ITEMS_SHOWN)} more`)}`]
          : []),
      ]),
      spread(`${sign} ${check ? 'about ' : ''}${bytesText(bytes)} ${verb}`, time, columns),
    ]
  },
  summary: (event, screen) => {
    const { style } = screen
    const columns = [
      { title: '', shrink: true },
      { title: '', align: 'right' as const },
    ]
    const rows = event.steps.map(({ title, durationMs }) => [
      printable(title),
      { text: formatDuration(durationMs), paint: style.dim },
    ])
    const total = [
      { text: 'in all', paint: style.bold },
      { text: formatDuration(event.durationMs), paint: style.bold },
    ]
    const table = renderTable(columns, [...rows, total], { ...screen, columns: screen.columns - 2 })
    const url = event.url === undefined ? [] : ['', `  ${style.cyan(style.bold(event.url))}`]
    return ['', ...table.map((line) => `  ${line}`), ...url, '']
  },
  done: (event, { columns, style }) => [
    spread(`${style.green('✓')} ${printable(event.message)}`, style.dim(formatDuration(event.durationMs)), columns),
  ],
  error: (event, screen) => renderError(event, screen),
}

/** Time since a run began, as a clock shows it: `1:05`. */
function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`
}
