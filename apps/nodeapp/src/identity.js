import { hostname } from 'node:os'

/**
 * Who answers: which instance of the app, on which node of the cluster, in which version.
 * @typedef {{ instance: string, node: string, version: string }} Identity
 */

/**
 * Swarm fills in the templates of compose.yml (`{{.Task.Slot}}`); outside a swarm they arrive as they are written, and
 * the host's name has to do.
 * @param {Record<string, string | undefined>} environment
 * @param {string} version
 * @returns {Identity}
 */
export function readIdentity(environment, version) {
  const given = (value) => (value === undefined || value === '' || value.includes('{{') ? hostname() : value)
  return { instance: given(environment.INSTANCE), node: given(environment.NODE), version }
}
