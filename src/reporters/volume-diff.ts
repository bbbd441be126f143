import type { VolumeDiffDocument } from '../model/documents.ts'
import { printable } from './text.ts'
import type { Screen } from './style.ts'

/** The paths at which a volume and a snapshot of it differ. */
export function renderDiff(
  { volume, node, snapshot, differences }: VolumeDiffDocument,
  screen: Screen,
): readonly string[] {
  const { style } = screen
  const there = `${snapshot} on ${node}`
  if (differences.length === 0) return [style.green(`${volume} is the same as ${there}`)]
  return [
    style.dim(`- only in ${there}   + only in ${volume}   ~ differs`),
    ...differences.map(({ path, only, differs = [] }) => {
      if (only === 'theirs') return style.red(`- ${printable(path)}`)
      if (only === 'ours') return style.green(`+ ${printable(path)}`)
      return style.yellow(`~ ${printable(path)}`) + style.dim(`  ${differs.join(', ')}`)
    }),
  ]
}
