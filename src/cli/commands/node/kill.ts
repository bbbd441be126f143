import { nodeCommand } from './alike.ts'

/** `lab node kill` */
export const register = nodeCommand({
  usage: 'kill <nodes...>',
  summary: 'cut the power of nodes',
  more: 'No shutdown, nothing is written any more: what a node that dies looks like to the others.',
  examples: ['lab node kill node2'],
  run: async (lab, nodes) => (await import('../../../workflows/node-power.ts')).killNodes(lab, nodes),
})
