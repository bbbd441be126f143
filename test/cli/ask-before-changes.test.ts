import type { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { askBeforeChanges } from '../../src/cli/ask-before-changes.ts'
import { memoryIo } from './command-line.ts'

/** A terminal at which somebody types these lines, each when a question has been asked; then closes it. */
function terminal(...typed: readonly string[]) {
  const { io } = memoryIo('/', { NO_COLOR: '1' })
  const stdin = Object.assign(io.stdin as unknown as PassThrough, { isTTY: true }) as unknown as typeof io.stdin
  const lines = [...typed]
  const asked: string[] = []
  const stderr = Object.assign(io.stderr, { isTTY: true, columns: 80 })
  const write = stderr.write.bind(stderr)
  stderr.write = (chunk: string) => {
    asked.push(chunk)
    if (chunk.includes('[q]uit')) {
      const line = lines.shift()
      if (line === undefined) stdin.push(null)
      else stdin.push(`${line}\n`)
    }
    return write(chunk)
  }
  const confirm = askBeforeChanges({ ...io, stdin, stderr }, false, new AbortController().signal)
  const about = (title: string) =>
    confirm({ node: 'node1', title, changes: [{ path: 'mode', from: '644', to: '600' }], diff: undefined })
  return { about, questions: () => asked.filter((text) => text.includes('[q]uit')).length, shown: () => asked.join('') }
}

it('shows each change and does what is answered, one question at a time', async () => {
  const { about, questions, shown } = terminal('what?', 'y', 'No')
  expect(await Promise.all([about('write /a'), about('write /b')])).toEqual([true, false])
  expect(questions()).toBe(3)
  expect(shown()).toMatch(/~ write \/a +node1\n? +mode {2}644 → 600/)
})

it('continues without asking, or ends, once that is answered', async () => {
  const go = terminal('c')
  expect([await go.about('a'), await go.about('b')]).toEqual([true, true])
  expect(go.questions()).toBe(1)
  const quit = terminal('q')
  await expect(quit.about('a')).rejects.toMatchObject({ code: 'STOPPED', exitCode: 1 })
  await expect(quit.about('b')).rejects.toMatchObject({ code: 'STOPPED' })
  expect(quit.questions()).toBe(1)
})

it('takes a terminal that is closed for an end', async () => {
  await expect(terminal().about('a')).rejects.toMatchObject({ code: 'STOPPED' })
})
