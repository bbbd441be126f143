import type { LabSnapshotsDocument } from '../model/documents.ts'
import { bytesText } from '../model/bytes-text.ts'
import type { Screen } from './style.ts'
import { renderTable } from './table.ts'

/** Every snapshot of the lab, the oldest first. */
export function renderSnapshots({ snapshots }: LabSnapshotsDocument, screen: Screen): readonly string[] {
  const { style } = screen
  if (snapshots.length === 0) return [style.dim('no snapshots yet: lab snapshot save NAME')]
  return renderTable(
    [
      { title: 'SNAPSHOT' },
      { title: 'SAVED' },
      { title: 'SIZE', align: 'right' },
      { title: 'SHARED', align: 'right' },
      { title: 'NODES', shrink: true },
    ],
    snapshots.map((snapshot) => [
      { text: snapshot.name, paint: style.bold },
      { text: `${snapshot.createdAt.slice(0, 19).replace('T', ' ')}Z`, paint: style.dim },
      bytesText(snapshot.sizeBytes),
      bytesText(snapshot.sharedBytes),
      snapshot.machines.map(({ name }) => name).join(' '),
    ]),
    screen,
  )
}
