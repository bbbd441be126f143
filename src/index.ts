// What a playbook may import besides the steps themselves (`lab/steps/<name>`) and local work (`lab/local`).
import type { Site } from './model/site.ts'
import type { Playbook } from './model/step.ts'
import type { NoVariables, VariableSet } from './model/variables.ts'

export { output, result, type ResultOptions } from './facts/result.ts'
export { defineStep, type StepSpec } from './model/define-step.ts'
export { LabError, UsageError } from './model/errors.ts'
export { attempt, changed, given, type AttemptOptions } from './model/flow.ts'
export { ZONE, NODE_PATHS, REGISTRY } from './model/names.ts'
export { firstNode, siteNodes, type Site, type SiteNode } from './model/site.ts'
export { secret, type SecretSource } from './secrets/secret-value.ts'
export type { Command } from './model/command.ts'
export type { NodeSpec, Role } from './model/lab-spec.ts'
export type { Change, FactQuery, Play, Playbook, Result, Step, StepHow } from './model/step.ts'
export { familyQuery, FactUnavailable, type FactFamily } from './model/step.ts'
export { required, type Variables } from './model/variables.ts'

/**
 * A playbook: a title, the variables it has, and plays or a function of the site that makes them. Checks types, nothing
 * else.
 * @example export default playbook({ name: 'Motd', plays: [{ name: 'Greet', hosts: 'all', steps: [file({ ... })] }] })
 */
export function playbook<S = Site, const V extends VariableSet = NoVariables>(book: Playbook<S, V>): Playbook<S, V> {
  return book
}
