import type { DnsDocument, DnsName } from '../model/documents.ts'
import type { Screen } from './style.ts'
import { renderTable } from './table.ts'

/** Each name with its addresses and how many nodes agree; then every difference, and on which node. */
export function renderDns(document: DnsDocument, screen: Screen): readonly string[] {
  const { style } = screen
  if (document.names.length === 0) return [style.dim('no names yet: "lab deploy" deploys the apps of lab.yml')]
  const differences = document.names.flatMap(differencesOf)
  const table = renderTable(
    [{ title: 'NAME' }, { title: 'NODES', align: 'right' }, { title: 'ADDRESSES', shrink: true }],
    document.names.map((name) => {
      const nodes = Object.keys(name.seen).length
      const wrong = new Set(differencesOf(name).map(({ node }) => node)).size
      return [
        { text: name.name, paint: style.bold },
        { text: `${String(nodes - wrong)}/${String(nodes)}`, paint: wrong === 0 ? style.green : style.red },
        name.expected.join(' ') || '-',
      ]
    }),
    screen,
  )
  const verdict = document.consistent
    ? [`${style.green('✓')} every node answers with the tasks that run`]
    : differences.map(({ node, name, text }) => `${style.red('✗')} ${node}: ${style.bold(name)} ${text}`)
  return [...table, '', ...verdict]
}

interface Difference {
  readonly node: string
  readonly name: string
  readonly text: string
}

function differencesOf({ name, expected, seen }: DnsName): readonly Difference[] {
  return Object.entries(seen).flatMap(([node, answers]): readonly Difference[] => {
    if (answers === undefined) return [{ node, name, text: 'was not asked: the node does not answer' }]
    const absent = expected.filter((address) => !answers.includes(address))
    const stale = answers.filter((address) => !expected.includes(address))
    return [
      ...(absent.length === 0 ? [] : [{ node, name, text: `lacks ${absent.join(' ')}` }]),
      ...(stale.length === 0 ? [] : [{ node, name, text: `answers ${stale.join(' ')}, where no task runs` }]),
    ]
  })
}
