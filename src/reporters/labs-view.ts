import type { LabsDocument } from '../model/documents.ts'
import type { Screen } from './style.ts'
import { renderTable } from './table.ts'

/** The labs of a host, a line each. */
export function renderLabs({ labs }: LabsDocument, screen: Screen): readonly string[] {
  const { style } = screen
  if (labs.length === 0) return [style.dim('no lab on this host: "lab init" writes one, "lab up" brings it up')]
  const columns = [{ title: 'LAB' }, { title: 'NODES' }, { title: 'URL' }, { title: 'DIRECTORY', shrink: true }]
  const rows = labs.map(({ id, nodes, edge, directory, exists }) => [
    { text: id, paint: style.bold },
    countsOf(nodes),
    edge === undefined ? '-' : { text: edge, paint: style.cyan },
    exists ? directory : { text: `${directory} (no lab.yml there any more)`, paint: style.yellow },
  ])
  return renderTable(columns, rows, screen)
}

/** `4 running`, `3 running, 1 stopped` */
function countsOf(nodes: LabsDocument['labs'][number]['nodes']): string {
  const words = nodes.map(({ state, paused }) => (paused ? 'paused' : state))
  return [...new Set(words)].map((word) => `${String(words.filter((each) => each === word).length)} ${word}`).join(', ')
}
