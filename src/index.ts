// What a playbook may import besides the steps themselves (`lab/steps/<name>`).
import type { Playbook } from './model/step.ts'

export { defineStep, type StepSpec } from './model/define-step.ts'
export { LabError, UsageError } from './model/errors.ts'
export { ZONE, NODE_PATHS, REGISTRY } from './model/names.ts'
export { firstNode, siteNodes, type Site, type SiteNode } from './model/site.ts'
export type { Command } from './model/command.ts'
export type { NodeSpec, Role } from './model/lab-spec.ts'
export type { Change, FactQuery, Play, Playbook, Step } from './model/step.ts'
export { familyQuery, FactUnavailable, type FactFamily } from './model/step.ts'

/** A playbook: a title, and plays or a function of the site that makes them. Checks types, nothing else. */
export function playbook<S = unknown>(book: Playbook<S>): Playbook<S> {
  return book
}
