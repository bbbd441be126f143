import { list } from '../../program.ts'
import { nodeCommand } from './alike.ts'

/** `lab node partition` */
export const register = nodeCommand<{ readonly from?: readonly string[] }>({
  usage: 'partition <nodes...>',
  summary: 'cut nodes off from the others',
  more: 'In both directions, containers too; this host still reaches them. Ends with "lab node heal", or when the node is stopped.',
  examples: [
    'lab node partition node2                from all others',
    'lab node partition node2 --from node1   from that one only',
  ],
  options: [['--from <node-names>', 'only from these, with commas between', list]],
  run: async (lab, nodes, { from }) =>
    (await import('../../../workflows/node-faults.ts')).partitionNodes(lab, nodes, from === undefined ? {} : { from }),
})
