import type { CopyStatus, SnapshotsDocument, SnapshotStatus, VolumeDocument } from '../model/documents.ts'
import { bytesText } from '../model/bytes-text.ts'
import { count, formatDuration } from './quantities.ts'
import type { Screen, Style } from './style.ts'
import { printable } from './text.ts'
import { renderTable } from './table.ts'

/** One volume with everything that is known of it. */
export function renderVolume(volume: VolumeDocument, screen: Screen, now = Date.now()): readonly string[] {
  const { style } = screen
  const bytes = (value: number | undefined) => (value === undefined ? '?' : bytesText(value))
  const limit = volume.limitBytes === undefined ? `${bytes(volume.sizeBytes)} (its pool)` : bytes(volume.limitBytes)
  const used = volume.app === '' ? 'no app yet' : `${volume.service} of app ${volume.app}`
  const facts: readonly (readonly [string, string])[] = [
    ['owner', `${volume.owner}, under epoch ${String(volume.epoch)}`],
    ['state', stateText(volume, style)],
    ['holds', `${bytes(volume.usedBytes)} of ${limit}`],
    ['driver', volume.driver],
    ['made for', used],
    ['used by', volume.holders.length === 0 ? style.dim('nothing right now') : volume.holders.join(', ')],
    ...policyFacts(volume),
  ]
  const width = Math.max(...facts.map(([name]) => name.length))
  return [
    style.bold(volume.name),
    ...facts.map(([name, text]) => `  ${style.dim(name.padEnd(width))}  ${text}`),
    ...(volume.snapshotList.length === 0 ? [] : ['', ...snapshotTable(volume.snapshotList, screen, now)]),
    ...(volume.copies.length === 0 ? [] : ['', ...copyTable(volume.copies, screen)]),
  ]
}

/** The snapshots of a volume, oldest first. */
export function renderSnapshots(document: SnapshotsDocument, screen: Screen, now = Date.now()): readonly string[] {
  const { volume, snapshots } = document
  if (snapshots.length === 0) return [screen.style.dim(`no snapshots yet: lab volume snapshot ${volume}`)]
  return snapshotTable(snapshots, screen, now)
}

/** What its owner does by itself for it. */
function policyFacts({
  replicas = [],
  keep,
  hooks,
  autoPromote,
}: VolumeDocument): readonly (readonly [string, string])[] {
  const counts = Object.entries(keep).map(([schedule, most]) => `${schedule} (${String(most)} stay)`)
  const commands = [hooks.pre, hooks.post].flatMap((hook) =>
    hook === undefined ? [] : [hook.map(printable).join(' ')],
  )
  return [
    ...replicas.map(({ node, everyMs, ageMs, trouble }): readonly [string, string] => {
      const age = ageMs === undefined ? 'none yet' : `${formatDuration(ageMs)} old`
      return [
        'replica',
        `${node}, every ${formatDuration(everyMs)}: ${trouble === undefined ? age : `${age}, ${printable(trouble)}`}`,
      ]
    }),
    ...(autoPromote ? [['promotion', 'by itself, while "lab volume watch" runs'] as const] : []),
    ...(counts.length === 0 ? [] : [['snapshots', counts.join(', ')] as const]),
    ...(commands.length === 0 ? [] : [['hooks', commands.join(' · ')] as const]),
  ]
}

function stateText({ phase, rollingBackTo }: VolumeDocument, style: Style): string {
  if (rollingBackTo !== undefined) return style.yellow(`rolling back to ${rollingBackTo}`)
  return phase === 'idle' ? style.green('attached') : style.yellow(`moving: ${phase}`)
}

function snapshotTable(snapshots: readonly SnapshotStatus[], screen: Screen, now: number): readonly string[] {
  return renderTable(
    [{ title: 'SNAPSHOT' }, { title: 'AGE', align: 'right' }, { title: 'ALSO ON', shrink: true }],
    snapshots.map(({ name, createdAt, also }) => [
      { text: name, paint: screen.style.bold },
      createdAt === undefined ? '?' : formatDuration(Math.max(0, now - Date.parse(createdAt))),
      { text: also.join(', '), paint: screen.style.dim },
    ]),
    screen,
  )
}

function copyTable(copies: readonly CopyStatus[], screen: Screen): readonly string[] {
  const paint: Readonly<Record<CopyStatus['state'], (text: string) => string>> = {
    common: screen.style.green,
    orphan: screen.style.yellow,
    stray: screen.style.yellow,
    unreachable: screen.style.dim,
  }
  return renderTable(
    [
      { title: 'COPY ON' },
      { title: 'STATE' },
      { title: 'HOLDS', align: 'right' },
      { title: 'SNAPSHOTS', shrink: true },
    ],
    copies.map(({ node, state, usedBytes, snapshots }) => [
      { text: node, paint: screen.style.bold },
      { text: state, paint: paint[state] },
      usedBytes === undefined ? '?' : bytesText(usedBytes),
      snapshots.length > 3
        ? `${count(snapshots.length, 'snapshot')}, last ${snapshots.at(-1) ?? ''}`
        : snapshots.join(', '),
    ]),
    screen,
  )
}
