import type { VolumesDocument, VolumeStatus } from '../model/documents.ts'
import { bytesText } from '../model/bytes-text.ts'
import { formatDuration } from './quantities.ts'
import type { Screen } from './style.ts'
import { renderTable } from './table.ts'

/** Every volume: what it holds, who uses it, where it is. */
export function renderVolumes({ volumes }: VolumesDocument, screen: Screen): readonly string[] {
  if (volumes.length === 0)
    return [screen.style.dim('no volumes yet: an app gets one for each named volume in its compose.yml')]
  return renderVolumeTable(volumes, screen)
}

/** The table of volumes, as `lab status` shows it too. */
export function renderVolumeTable(volumes: readonly VolumeStatus[], screen: Screen): readonly string[] {
  const { style } = screen
  const size = (bytes: number | undefined) => (bytes === undefined ? '?' : bytesText(bytes))
  const replicated = volumes.some(({ replicas = [] }) => replicas.length > 0)
  return renderTable(
    [
      { title: 'VOLUME' },
      { title: 'USED', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'DRIVER' },
      { title: 'STATUS' },
      { title: 'NODE' },
      ...(replicated ? [{ title: 'REPLICAS' }] : []),
      { title: 'SERVICE', shrink: true },
    ],
    volumes.map((volume) => [
      { text: volume.name, paint: style.bold },
      size(volume.usedBytes),
      size(volume.sizeBytes),
      volume.driver,
      volume.phase === 'idle'
        ? { text: 'attached', paint: style.green }
        : { text: `moving: ${volume.phase}`, paint: style.yellow },
      volume.owner,
      ...(replicated ? [replicaText(volume.replicas)] : []),
      { text: volume.service, paint: style.dim },
    ]),
    screen,
  )
}

/** Where replicas are and how old: `node2 4.1 s`. */
function replicaText(replicas: VolumeStatus['replicas'] = []): string {
  const each = replicas.map(({ node, ageMs, trouble }) => {
    const age = ageMs === undefined ? 'none yet' : formatDuration(ageMs)
    return `${node} ${age}${trouble === undefined ? '' : ' !'}`
  })
  return each.join(', ')
}
