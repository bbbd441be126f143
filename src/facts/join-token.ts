import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { askEngine, engineAnswers, refusal } from './engine-api.ts'

/** The secret that lets a machine into the swarm in a role. Ask a manager, hand it on by standard input, show it nowhere. */
export function joinToken(role: 'manager' | 'worker'): FactQuery<string> {
  return {
    key: `join-token ${role}`,
    script: askEngine('/swarm'),
    parse: (output) => {
      const [answer] = engineAnswers(output)
      const tokens = (answer as { JoinTokens?: { Worker: string; Manager: string } } | undefined)?.JoinTokens
      if (tokens === undefined) throw new FactUnavailable(refusal(answer) ?? 'not a manager of a swarm')
      return role === 'manager' ? tokens.Manager : tokens.Worker
    },
  }
}
