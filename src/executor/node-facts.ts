import type { Command, ExecResult } from '../model/command.ts'
import type { Connection } from '../model/connection.ts'
import type { FactOutput, FactQuery } from '../model/step.ts'
import { applyScript } from './apply-script.ts'
import { ask, questionnaire, type Answer, type Answers } from './gather.ts'
import { lastChange, newHolder } from './node-lock.ts'
import type { Tell } from './teller.ts'

/** What became of commands. */
export interface ChangeResult {
  /** Nothing was run: another run holds the node's lock, or had it since the facts were read. */
  readonly refused: { readonly lockedBy: string } | 'stale' | undefined
  /** In order, as far as they ran. */
  readonly commands: readonly (FactOutput | undefined)[]
  readonly ran: ExecResult
}

/** What is known of one node: its answers, and whether somebody changed it since they were given. */
export class NodeFacts {
  private readonly connection: Connection
  private readonly signal: AbortSignal
  private readonly tell: Tell
  private known: Answers = new Map()
  /** Who had changed something on the node last when these answers were given. */
  private lastSeen = ''

  constructor(connection: Connection, signal: AbortSignal, tell: Tell) {
    this.connection = connection
    this.signal = signal
    this.tell = tell
  }

  get answers(): Answers {
    return this.known
  }

  /** Forgets what the node answered: something may have made it untrue. */
  forget(): void {
    this.known = new Map()
  }

  /** Whether the node has to be asked before these queries have answers. */
  lacks(queries: readonly FactQuery<unknown>[]): boolean {
    return this.known.size === 0 || queries.some(({ key }) => !this.known.has(key))
  }

  /** Asks what is not known yet, in one exec; in another one what a node that could have told left open. */
  async learn(queries: readonly FactQuery<unknown>[]): Promise<void> {
    if (!this.lacks(queries)) return
    const unknown = queries.filter(({ key }) => !this.known.has(key))
    const [answers, told] = await Promise.all([
      this.ask([lastChange, ...unknown.filter(({ elsewhere }) => elsewhere === undefined)]),
      this.askElsewhere(unknown),
    ])
    const left = unknown.filter(({ key, elsewhere }) => elsewhere !== undefined && !told.has(key))
    const own = await this.ask(left)
    // What was known before is as old as it was: who came between is noticed when something is to be changed.
    if (this.known.size === 0) this.lastSeen = textOf(answers.get(lastChange.key))
    this.known = new Map([...this.known, ...answers, ...told, ...own])
  }

  private ask(queries: readonly FactQuery<unknown>[]): Promise<Answers> {
    return ask(this.connection, questionnaire(queries), this.signal)
  }

  private async askElsewhere(queries: readonly FactQuery<unknown>[]): Promise<Answers> {
    const told = new Map<string, Answer>()
    await Promise.all(
      queries.map(async ({ key, elsewhere }) => {
        const value = elsewhere === undefined ? undefined : await this.tell(elsewhere)
        if (value !== undefined) told.set(key, { value })
      }),
    )
    return told
  }

  /** Runs commands until one fails and, when none did, asks again: in one exec, under the node's lock. */
  async change(commands: readonly Command[], queries: readonly FactQuery<unknown>[]): Promise<ChangeResult> {
    const asked = questionnaire(queries)
    const holder = newHolder()
    const built = applyScript(commands, asked, { holder, lastSeen: this.lastSeen })
    const ran = await this.connection.script(built.script, { signal: this.signal, timeoutMs: built.timeoutMs })
    const result = built.read(ran)
    if (result.refused === undefined) {
      this.lastSeen = holder
      if (commands.every((_, index) => result.commands[index]?.status === 0))
        this.known = new Map([[lastChange.key, { value: holder }], ...asked.read(result.answers)])
    }
    return { refused: result.refused, commands: result.commands, ran }
  }
}

function textOf(answer: Answer | undefined): string {
  return answer !== undefined && 'value' in answer ? String(answer.value) : ''
}
