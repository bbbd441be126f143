import { resolve } from 'node:path'
import { EXIT, LabError } from '../model/errors.ts'
import type { Emit, Reporter, RunEvent } from '../model/events.ts'
import { hiddenValues } from '../model/hidden-values.ts'
import type { Screen } from '../reporters/style.ts'
import { redactAll } from '../shell/redact.ts'
import type { OpenLab } from '../workflows/open-lab.ts'
import { errorEvent, explain, interruption, printFailure, printStack } from './failure.ts'
import { interruptedBy, Interrupted } from './interrupt.ts'
import { isLive, screenOf, styleOf, type Io } from './io.ts'
import { typedLine } from './typed-line.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true
  /** Directory of the lab, or one below it; the working directory when absent. */
  readonly lab?: string
  /** What makes the machines where there are none yet; of commands that make some. */
  readonly provider?: 'docker' | 'vagrant'
}

/** Long work: what it is called, and what runs it. Answers with an exit code, or nothing for 0. */
export interface Work {
  /** Heading: as typed after `lab`, mostly without options: `scale nodeapp 3`. */
  readonly command: string
  readonly run: (lab: OpenLab) => Promise<number | undefined>
  /** What to say to somebody who interrupted it; by default, that what was typed goes on. */
  readonly resume?: string
  /** Where the record of this run is kept: with the lab (default), not at all, or with a lab made for it. */
  readonly record?: 'kept' | 'none' | 'created'
  /** Show the lines of files that change; they are kept on record in any case. */
  readonly diff?: boolean
  /** It asks questions on the terminal, where nothing may be redrawn then. */
  readonly asks?: boolean
  /** Where the lab is looked for when the working directory has none. */
  readonly near?: string
}

/** Runs commands on the lab of the working directory and says how they end. */
export interface Session {
  readonly signal: AbortSignal
  /** What was typed, as a line for a shell; without an option and its value, if one is named. */
  typed(without?: string): string
  /** Exit code of the last command that ran. */
  exitCode: number
  /** Long work, told as it happens: live, as lines or as JSON. */
  work(options: CommonOptions, work: Work): Promise<void>
  /** Long work that needs no lab; told likewise. */
  outside(
    options: CommonOptions,
    work: Pick<Work, 'command' | 'resume'> & { readonly run: (emit: Emit) => Promise<void> },
  ): Promise<void>
  /** A question to the lab: one document, as JSON or as text for the screen. */
  query<T>(
    options: CommonOptions & Pick<Work, 'near'>,
    ask: (lab: OpenLab) => Promise<T>,
    render: (document: T, screen: Screen) => readonly string[] | Promise<readonly string[]>,
  ): Promise<void>
  /** Work that writes its own output (a terminal, a stream of lines). Answers with an exit code, or nothing for 0. */
  direct(options: CommonOptions & Pick<Work, 'near'>, run: (lab: OpenLab) => Promise<number | undefined>): Promise<void>
}

/** A session on the lab of the working directory; `argv` is what was typed, `controller` stops what it runs. */
export function createSession(io: Io, controller: AbortController, argv: readonly string[]): Session {
  const { signal } = controller
  const openLab = async (emit: Emit, { lab, near, provider }: CommonOptions & Pick<Work, 'near'>): Promise<OpenLab> => {
    const [{ loadLab }, workflows] = await Promise.all([
      import('../config/load.ts'),
      import('../workflows/open-lab.ts'),
    ])
    const found =
      lab === undefined
        ? loadLab(io.cwd).catch((error: unknown) => {
            if (near === undefined || !(error instanceof LabError) || error.code !== 'NO_LAB_FILE') throw error
            return loadLab(near).catch(() => Promise.reject(error))
          })
        : loadLab(resolve(io.cwd, lab))
    const { keep, ...loaded } = await found
    const open = await workflows.openLab({ ...loaded, emit, signal, provider })
    return {
      ...open,
      close: async () => {
        await open.close()
        await keep()
      },
    }
  }

  /** Runs work that is told as it happens, and says how it ended. */
  const tell = async (
    options: CommonOptions,
    { resume, diff = false, asks = false }: Omit<Work, 'run'>,
    body: (emit: Emit, reporters: Reporter[]) => Promise<number | undefined>,
  ): Promise<void> => {
    const output = await outputReporter(io, options, asks)
    const reporters: Reporter[] = [diff ? output : withoutDiffs(output)]
    const emit = (told: RunEvent) => {
      const event = redactAll(told, hiddenValues())
      for (const reporter of reporters) reporter.on(event)
    }
    const stopping = () => {
      emit({ type: 'notice', level: 'warning', message: 'stopping where it is safe; Ctrl-C again stops at once' })
    }
    signal.addEventListener('abort', stopping)
    try {
      session.exitCode = (await body(emit, reporters)) ?? EXIT.done
    } catch (thrown) {
      const by = interruptedBy(signal)
      const hint = resume ?? `"${session.typed()}" again goes on from here`
      const error = explain(thrown, by === undefined ? undefined : interruption(by, hint))
      emit(errorEvent(error))
      session.exitCode = error.exitCode
      printStack(error, io)
    } finally {
      signal.removeEventListener('abort', stopping)
      for (const reporter of reporters) await reporter.close?.()
    }
  }

  const session: Session = {
    signal,
    typed: (without) => typedLine(argv, without),
    exitCode: EXIT.done,

    work: (options, work) => {
      const { command, run, record = 'kept', near } = work
      return tell(options, work, async (emit, reporters) => {
        const lab = await openLab(emit, { ...options, ...(near === undefined ? {} : { near }) })
        try {
          const name = command.split(' ')[0] ?? command
          if (record !== 'none')
            reporters.push(...(await runRecord(lab.lab.stateDirectory, name, record === 'created')))
          emit({ type: 'run-started', command, lab: lab.lab.id, at: new Date().toISOString() })
          return await run(lab)
        } finally {
          await lab.close()
        }
      })
    },

    outside: (options, work) =>
      tell(options, work, async (emit) => {
        emit({ type: 'run-started', command: work.command, at: new Date().toISOString() })
        await work.run(emit)
        return EXIT.done
      }),

    query: async (options, ask, render) => {
      await session.direct(options, async (lab) => {
        const document = await ask(lab)
        if (options.json) io.out(JSON.stringify(document))
        else (await render(document, screenOf(io.stdout, io.env))).forEach(io.out)
        return EXIT.done
      })
    },

    direct: async (options, run) => {
      io.gone.addEventListener('abort', () => {
        controller.abort(new Interrupted('EPIPE'))
      })
      let lab: OpenLab | undefined
      try {
        lab = await openLab(notices(io, options), options)
        session.exitCode = (await run(lab)) ?? EXIT.done
      } catch (thrown) {
        // Ctrl-C is how one leaves a stream, and a reader that goes (`| head`) has seen enough: neither needs words.
        if (!signal.aborted)
          session.exitCode = await printFailure(explain(thrown, undefined), io, options.json ?? false)
      } finally {
        await lab?.close()
      }
      const by = interruptedBy(signal)
      if (by !== undefined) session.exitCode = interruption(by, undefined).exitCode
    },
  }
  return session
}

/** How long work is told: JSON, live on a terminal, lines elsewhere. */
async function outputReporter(io: Io, { json }: CommonOptions, asks: boolean): Promise<Reporter> {
  if (json) return (await import('../reporters/json-lines.ts')).jsonReporter(io.out)
  const style = styleOf(io.stdout, io.env)
  if (asks || !isLive(io.stdout, io.env))
    return (await import('../reporters/plain.ts')).plainReporter(io.out, io.err, style)
  return (await import('../reporters/terminal.ts')).terminalReporter(io.stdout, io.stderr, style)
}

/** A reporter that is not told of the lines of files. */
function withoutDiffs(reporter: Reporter): Reporter {
  return {
    ...reporter,
    on: (event) => {
      reporter.on(event.type === 'step' ? { ...event, diff: undefined } : event)
    },
  }
}

async function runRecord(stateDirectory: string, command: string, create: boolean): Promise<readonly Reporter[]> {
  const { existsSync } = await import('node:fs')
  if (!create && !existsSync(stateDirectory)) return []
  const { recordRun } = await import('../reporters/run-record.ts')
  return [recordRun(`${stateDirectory}/runs`, command)]
}

/** Commands with output of their own show warnings only, apart from it. */
function notices(io: Io, { json }: CommonOptions): Emit {
  return (event) => {
    if (event.type === 'notice' && event.level === 'warning' && !json) io.err(`! ${event.message}`)
  }
}
