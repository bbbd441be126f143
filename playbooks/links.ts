import { playbook, type Site } from '../src/index.ts'
import { linksFrom } from '../src/model/links.ts'
import { linkConditions, type ShapedLink } from '../src/steps/link-conditions.ts'

/** What the network between nodes is like. After everything else: slow links would make all that comes before slow too. */
export default playbook({
  name: 'links',
  plays: (site) => [
    {
      name: 'The network as lab.yml wants it',
      hosts: () => true,
      tags: ['links'],
      independent: true,
      steps: ({ name }) => [linkConditions({ links: linksOf(site, name) })],
    },
  ],
})

function linksOf({ nodes, spec }: Site, node: string): readonly ShapedLink[] {
  const names = nodes.map(({ name }) => name)
  return linksFrom(node, names, spec.links ?? []).flatMap(({ peer, ...conditions }) => {
    const address = nodes.find(({ name }) => name === peer)?.address
    return address === undefined ? [] : [{ address, ...conditions }]
  })
}
