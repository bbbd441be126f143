import type Docker from 'dockerode'
import type { Connection } from '../model/connection.ts'
import type { Emit } from '../model/events.ts'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import type { Machine, Provider } from '../model/provider.ts'
import type { Site } from '../model/site.ts'

/** A lab as workflows see it: what is wanted, what is there, and how to reach it. Opened once a command. */
export interface OpenLab {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  readonly provider: Provider
  readonly emit: Emit
  /** Aborted by Ctrl-C; long work passes it on. */
  readonly signal: AbortSignal
  /** Machines as the provider lists them; asked once, again after `refresh()`. */
  machines(): Promise<readonly Machine[]>
  refresh(): void
  /** The connection to a node, opened once. Throws `LabError` `UNREACHABLE` (with what to do) when it cannot be. */
  connect(node: string): Promise<Connection>
  /** Forgets a connection that broke, so that the next `connect` opens a new one. */
  disconnect(node: string): Promise<void>
  /** The node's engine, through its connection. */
  engine(node: string): Promise<Docker>
  /** The engine of whichever manager answers first, with its node's name. Throws `NO_MANAGER` when none does. */
  manager(): Promise<{ readonly node: string; readonly engine: Docker }>
  /** Everything the playbooks are a function of; reads or makes keys and certificates. The lab must exist. */
  site(): Promise<Site>
  close(): Promise<void>
}
