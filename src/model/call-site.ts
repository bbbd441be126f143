import type { SourceLocation } from './step.ts'

/** Where lab's own modules are: the sources, or the directory of a build. */
const OWN = new URL('.', import.meta.url).pathname.replace(/(\/src\/)model\/$/, '$1')
/** How many calls a step may be made through: a step's file may have short forms of it. */
const DEPTH = 6

/**
 * The line that called `below`: the nearest one that is not lab's own, so that a short form of a step is blamed on the
 * playbook that uses it. Of a compiled file, until the executor maps it to its source for an error.
 */
export function callSite(below: (...args: never) => unknown): SourceLocation | undefined {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = DEPTH
  Error.captureStackTrace(holder, below)
  Error.stackTraceLimit = limit
  const frames = stackFrames(holder.stack ?? '')
  return frames.find(({ file }) => !file.startsWith(OWN)) ?? frames[0]
}

/** Files and lines of a stack trace, the innermost first. */
export function stackFrames(stack: string): readonly SourceLocation[] {
  return [...stack.matchAll(/\(?((?:file:\/\/)?\/[^()\n]+?):(\d+):(\d+)\)?$/gm)].map(([, file = '', line, column]) => ({
    file: file.replace(/^file:\/\//, ''),
    line: Number(line),
    column: Number(column),
  }))
}
