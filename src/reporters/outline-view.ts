import type { PlaybookOutline } from '../model/documents.ts'
import type { Change } from '../model/step.ts'
import { renderStep } from './step-groups.ts'
import type { Screen } from './style.ts'
import { cut, printable, spread, widthOf } from './text.ts'

/** Plays with their nodes and steps; a step that not all nodes of its play have names those that do. */
export function renderOutline({ playbook, plays }: PlaybookOutline, { columns, style }: Screen): readonly string[] {
  const width = Math.min(columns, 100)
  const lines = plays.flatMap(({ play, tags, nodes, steps }) => [
    '',
    spread(
      `${style.bold(printable(play))}${tags.length === 0 ? '' : style.dim(`  #${tags.join(' #')}`)}`,
      nodes.length === 0 ? style.yellow('no node') : style.dim(nodes.join(' ')),
      width,
    ),
    ...steps.map((step) => {
      const on = step.nodes.length === nodes.length ? '' : `  ${step.nodes.join(' ')}`
      const where = `${on}  ${step.where ?? ''}`.trim()
      return spread(`  ${cut(printable(step.title), width - widthOf(where) - 4)}`, style.dim(where), width)
    }),
  ])
  return [style.bold(printable(playbook)), ...lines]
}

/** A change that somebody is asked about. */
export function renderProposal(
  change: {
    readonly node: string
    readonly title: string
    readonly changes: readonly Change[]
    readonly diff: string | undefined
  },
  { columns, style }: Screen,
): readonly string[] {
  const { node, title, changes, diff } = change
  const shown = changes.map(({ path, from, to }) => ({
    path,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }))
  const step = { type: 'step', node, play: '', kind: '', title, outcome: 'would-change', durationMs: 0 } as const
  return renderStep({ ...step, changes: shown, diff }, { columns: Math.min(columns, 100), style })
}
