import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import type { SourceLocation } from '../model/step.ts'

/**
 * The line a step was written on, in the playbook's own source: compiled files are mapped back through the map beside
 * them. Only errors need it, so nothing is read before.
 */
export function sourceLine(location: SourceLocation | undefined): string | undefined {
  if (location === undefined) return undefined
  const original = mapped(location) ?? location
  const path = relative(process.cwd(), original.file)
  return `${path.startsWith('../../..') ? original.file : path}:${String(original.line)}`
}

function mapped({ file, line, column }: SourceLocation): SourceLocation | undefined {
  let payload: SourceMapPayload
  try {
    payload = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload
  } catch {
    // No map: the file is its own source.
    return undefined
  }
  const entry = new SourceMap(payload).findEntry(line - 1, (column ?? 1) - 1)
  if (!('originalSource' in entry)) return undefined
  return { file: resolve(dirname(file), entry.originalSource), line: entry.originalLine + 1 }
}
