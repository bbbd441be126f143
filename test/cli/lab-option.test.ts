import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run, scratchDirectory } from './command-line.ts'

describe('--lab', () => {
  it.each([
    ['', '--lab names no directory'],
    ['nope', 'there is no directory /'],
  ])('"%s" is refused, whatever the working directory is', async (directory, message) => {
    const cwd = await scratchDirectory()
    writeFileSync(join(cwd, 'lab.yml'), '')
    for (const command of [['destroy', '--yes'], ['logs'], ['doctor'], ['status']]) {
      const ended = await run([...command, '--lab', directory], cwd)
      expect(ended).toMatchObject({ exitCode: 64, stdout: '' })
      expect(ended.stderr).toContain(message)
    }
  })

  it.each([['logs'], ['doctor'], ['status']])('is heeded by %s', async (command) => {
    const cwd = await scratchDirectory()
    mkdirSync(join(cwd, 'other'))
    writeFileSync(join(cwd, 'lab.yml'), '')
    writeFileSync(join(cwd, 'other/lab.yml'), 'nam: x\n')
    const { stderr, exitCode } = await run([command, '--lab', 'other'], cwd)
    expect(exitCode).toBe(64)
    expect(stderr).toContain('unknown key "nam"')
  })

  it('of doctor has to have a lab; without it, none is needed', async () => {
    const cwd = await scratchDirectory()
    expect(await run(['doctor', '--lab', '.'], cwd)).toMatchObject({ exitCode: 64 })
  })

  it.each([[['ls']], [['init']], [['completion', 'bash']], [['bundle', 'load', 'x']]])(
    'is not offered where it means nothing: %j',
    async (argv) => {
      const cwd = await scratchDirectory()
      expect((await run([...argv, '--help'], cwd)).stdout).not.toContain('--lab')
      expect(await run([...argv, '--lab', '.'], cwd)).toMatchObject({ exitCode: 64, stdout: '' })
    },
  )
})
