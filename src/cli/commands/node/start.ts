import { nodeCommand } from './alike.ts'

/** `lab node start` */
export const register = nodeCommand({
  usage: 'start <nodes...>',
  summary: 'start nodes that are off',
  more: 'Waits until what belongs on them is back.',
  examples: ['lab node start node2'],
  run: async (lab, nodes) => (await import('../../../workflows/node-power.ts')).startNodes(lab, nodes),
})
