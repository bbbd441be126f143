import { nodeCommand } from './alike.ts'

/** `lab node stop` */
export const register = nodeCommand({
  usage: 'stop <nodes...>',
  summary: 'shut nodes down',
  more: 'Their apps start on other nodes where they can; a volume stays where it is.',
  examples: ['lab node stop node2', 'lab node stop node2 node3'],
  run: async (lab, nodes) => (await import('../../../workflows/node-power.ts')).stopNodes(lab, nodes),
})
