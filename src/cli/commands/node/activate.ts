import { nodeCommand } from './alike.ts'

/** `lab node activate` */
export const register = nodeCommand({
  usage: 'activate <nodes...>',
  summary: 'let drained nodes have apps again',
  more: 'What runs elsewhere stays there until it is deployed or scaled anew.',
  examples: ['lab node activate node2'],
  run: async (lab, nodes) => (await import('../../../workflows/node-drain.ts')).activateNodes(lab, nodes),
})
