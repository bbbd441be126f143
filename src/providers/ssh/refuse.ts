import { joinErrors, LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import type { Found } from './network.ts'
import { unsuitable } from './suitable.ts'

/** Hosts that cannot be trusted or entered, all at once. Throws what is wrong with them. */
export function refuseUntrusted(all: readonly Found[]): void {
  const errors = all.flatMap(({ error }) => (error === undefined ? [] : [error]))
  const [first, ...more] = errors
  if (first !== undefined) throw joinErrors([first, ...more], 'lab.yml')
}

/** All hosts that lab cannot take, at once, before the first is touched. */
export function refuseUnsuitable(all: readonly Found[], lab: LabIdentity): void {
  const problems = all.flatMap(({ host, survey }) => {
    if (survey === undefined) return []
    const found = unsuitable(survey, lab, host.node.name)
    return found.length === 0 ? [] : [`${host.node.name}: ${found.join('; ')}`]
  })
  if (problems.length > 0) throw refused(problems)
}

/** One error for all that is wrong. */
export function refused(problems: readonly string[]): LabError {
  return new LabError('UNSUITABLE', problems.join('\n'), {
    hint: 'nothing was changed there; mend it or list other hosts, then: lab up',
  })
}

/** What lab has no hand in. */
export function noPower(name: string, what: string, hint: string): LabError {
  return new LabError(
    'NO_POWER',
    `${name} cannot be ${what} by lab: a host that was there before has its power elsewhere`,
    { where: name, hint },
  )
}
