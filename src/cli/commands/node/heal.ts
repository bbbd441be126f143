import { nodeCommand } from './alike.ts'

/** `lab node heal` */
export const register = nodeCommand({
  usage: 'heal [nodes...]',
  summary: 'end what pause and partition did',
  more: 'Without a name, on all nodes. Waits until what belongs on them is back.',
  examples: ['lab node heal', 'lab node heal node2'],
  run: async (lab, nodes) => (await import('../../../workflows/node-faults.ts')).healNodes(lab, nodes),
})
