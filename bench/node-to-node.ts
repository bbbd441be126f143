import { join } from 'node:path'
import { $ } from 'zx'
import type { Lab } from './lab.ts'
import type { Session } from './session.ts'

/** How one node reaches another by ssh: through an agent with the lab's key, which never leaves this machine. */
export interface NodeToNode {
  /** Configuration of ssh for the way to the first. */
  readonly config: string
  /** Environment with the agent in it. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts the agent, which lives as long as the bench. */
export async function nodeToNode(session: Session, lab: Lab): Promise<NodeToNode> {
  const config = await lab.sshConfig(session.temporary)
  const { stdout } = await $({ quiet: true })`ssh-agent -s`
  const value = (variable: string) => new RegExp(`${variable}=([^;]+)`).exec(stdout)?.[1] ?? ''
  const env = { SSH_AUTH_SOCK: value('SSH_AUTH_SOCK'), SSH_AGENT_PID: value('SSH_AGENT_PID') }
  const withAgent = $({ quiet: true, env: { ...process.env, ...env } })
  session.defer(() => withAgent`ssh-agent -k`)
  await withAgent`ssh-add -q ${join(lab.directory, '.lab/id_ed25519')}`
  return { config, env }
}
