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

/** Conditions hold for addresses: those on the lab's own network, and those on the others that the node is on. */
function linksOf({ nodes, spec }: Site, node: string): readonly ShapedLink[] {
  const further = Object.keys(nodes.find(({ name }) => name === node)?.addresses ?? {})
  return [undefined, ...further].flatMap((network) => {
    const members = nodes.flatMap(({ name, address, addresses }) => {
      const there = network === undefined ? address : addresses?.[network]
      return there === undefined ? [] : [{ name, address: there }]
    })
    const links = (spec.links ?? []).filter((link) => link.network === network)
    const names = members.map(({ name }) => name)
    return linksFrom(node, names, links).flatMap(({ peer, ...conditions }) => {
      const address = members.find(({ name }) => name === peer)?.address
      return address === undefined ? [] : [{ address, ...conditions }]
    })
  })
}
