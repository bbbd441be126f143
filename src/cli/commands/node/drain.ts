import { nodeCommand } from './alike.ts'

/** `lab node drain` */
export const register = nodeCommand<{ readonly evacuate?: true }>({
  usage: 'drain <nodes...>',
  summary: 'take the apps off nodes, and keep them off',
  more: 'A drained node gets no apps, over "lab up" too, until "lab node activate". A volume stays where it is, and its service waits for it, unless it is moved away.',
  examples: ['lab node drain node2', 'lab node drain node2 --evacuate   move its volumes to other nodes first'],
  options: [['--evacuate', 'move the volumes of the nodes to others first, with the services that use them']],
  run: async (lab, nodes, { evacuate }) =>
    (await import('../../../workflows/node-drain.ts')).drainNodes(lab, nodes, { moveVolumes: evacuate ?? false }),
})
