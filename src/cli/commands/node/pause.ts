import { nodeCommand } from './alike.ts'

/** `lab node pause` */
export const register = nodeCommand({
  usage: 'pause <nodes...>',
  summary: 'make nodes stand still',
  more: 'They hold what they hold and answer nobody, until "lab node heal". They go on as if no time had passed.',
  examples: ['lab node pause node2'],
  run: async (lab, nodes) => (await import('../../../workflows/node-faults.ts')).pauseNodes(lab, nodes),
})
