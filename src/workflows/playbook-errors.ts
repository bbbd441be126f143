import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, relative } from 'node:path'
import { findProduct } from '../config/product.ts'
import { sourceLine } from '../executor/source-line.ts'
import { stackFrames } from '../model/call-site.ts'
import { LabError, toLabError, UsageError } from '../model/errors.ts'
import { nearest } from '../model/names.ts'
import type { Site } from '../model/site.ts'
import type { Play, Playbook } from '../model/step.ts'

const PLAY_KEYS = ['name', 'hosts', 'tags', 'serial', 'maxFail', 'independent', 'steps']

const SUFFIX = /\.[cm]?[jt]s$/

/** Throws `UsageError` for what cannot be a playbook, naming the one beside it that may have been meant. */
export function checkFile(file: string): void {
  const name = relative(process.cwd(), file)
  const kind = statSync(file, { throwIfNoEntry: false })
  if (kind?.isFile() === true && SUFFIX.test(file)) return
  const known = playbooksIn(kind?.isDirectory() === true ? file : dirname(file))
  const near = known.find((each) => each.replace(SUFFIX, '') === basename(file)) ?? nearest(basename(file), known)
  const problem =
    kind === undefined
      ? `there is no playbook ${name}`
      : `${name} is ${kind.isDirectory() ? 'a directory' : 'not TypeScript or JavaScript'}, not a playbook`
  const advice = known.length === 0 ? '"lab init" writes one to begin with' : `there: ${known.join(', ')}`
  throw new UsageError(problem, { hint: near === undefined ? advice : `did you mean "${near}"?` })
}

function playbooksIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => SUFFIX.test(name) && !name.endsWith('.d.ts'))
  } catch {
    // No such directory, or not one of ours to read: there is nothing to suggest.
    return []
  }
}

/** What lab's modules were asked for and do not have: Node says so before any line of the playbook runs. */
export async function missingExport(thrown: unknown): Promise<UsageError | undefined> {
  if (!(thrown instanceof SyntaxError)) return undefined
  const [, url = '', name] = /module '(file:[^']+)' does not provide an export named '(\w+)'/.exec(thrown.message) ?? []
  if (name === undefined) return undefined
  const exported = Object.keys((await import(url)) as object)
  const [, file, line] = /^file:\/\/(.+):(\d+)$/m.exec(thrown.stack ?? '') ?? []
  const near = nearest(name, exported)
  const [, inLab = 'index'] = /\/src\/(.+?)\.js$/.exec(url) ?? []
  const module = inLab === 'index' ? 'lab' : `lab/${inLab}`
  return new UsageError(`"${module}" has no "${name}"`, {
    where: file === undefined ? undefined : sourceLine({ file, line: Number(line) }),
    hint: near === undefined ? `it has: ${exported.join(', ')}` : `did you mean "${near}"?`,
    cause: thrown,
  })
}

/**
 * An error out of a playbook's own code, with the line of the playbook it came from. What lab itself refused (an option, a
 * name) keeps its words; anything else is an error of the code.
 */
export function blamed(thrown: unknown, file: string): LabError {
  const line = lineIn(thrown, file)
  const error = toLabError(thrown)
  if (error.code === 'UNEXPECTED') {
    const kind = thrown instanceof Error ? thrown.name : 'Error'
    return new UsageError(`the playbook broke: ${kind}: ${error.message}`, { where: line, cause: thrown }, 'PLAYBOOK')
  }
  if (error.where !== undefined) return error
  const { message, hint, exitCode } = error
  return new LabError(error.code, message, { where: line, hint, exitCode, cause: thrown })
}

/** The playbook, with errors of its functions blamed on its lines, and plays checked for what lab does not know. */
export function guarded(book: Playbook<Site>, file: string): Playbook<Site> {
  const guard =
    <A extends readonly unknown[], R>(call: (...given: A) => R) =>
    (...given: A): R => {
      try {
        return call(...given)
      } catch (error) {
        throw blamed(error, file)
      }
    }
  const guardPlay = (play: Play): Play => {
    checkKeys(`play "${play.name}"`, play, PLAY_KEYS, file)
    const { hosts, steps } = play
    if (!Array.isArray(steps) && typeof steps !== 'function')
      throw wrongPlay(play, '"steps" must be a list of steps', file)
    if (!Array.isArray(hosts) && typeof hosts !== 'function' && typeof hosts !== 'string')
      throw wrongPlay(play, '"hosts" must be names of nodes or groups, or a function', file)
    return {
      ...play,
      hosts: typeof hosts === 'function' ? guard(hosts) : hosts,
      steps: typeof steps === 'function' ? guard(steps) : steps,
    }
  }
  const { plays } = book
  if (typeof plays !== 'function') return { ...book, plays: plays.map(guardPlay) }
  const make = guard(plays)
  return { ...book, plays: (site) => make(site).map(guardPlay) }
}

/** Refuses keys nobody knows, with the one that was meant. */
export function checkKeys(what: string, given: unknown, known: readonly string[], file: string): void {
  for (const key of Object.keys(given as object)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    throw new UsageError(`${what} has an unknown option "${key}"`, {
      where: relative(process.cwd(), file),
      hint: near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`,
    })
  }
}

function wrongPlay(play: Play, problem: string, file: string): UsageError {
  return new UsageError(`play "${play.name}": ${problem}`, { where: relative(process.cwd(), file) })
}

/** The innermost line of the playbook, or of a file beside it, that an error passed through. */
function lineIn(thrown: unknown, file: string): string {
  const frames = thrown instanceof Error ? stackFrames(thrown.stack ?? '') : []
  const { directory } = findProduct()
  const own = frames.find((frame) => !frame.file.startsWith(`${directory}/`) && !frame.file.includes('/node_modules/'))
  return sourceLine(own) ?? relative(process.cwd(), file)
}
