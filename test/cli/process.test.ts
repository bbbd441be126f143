import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The program as a process: what only shows outside of it.
const ROOT = new URL('../..', import.meta.url).pathname
const DIRECTORY = join(ROOT, `node_modules/.cache/lab-test-${String(process.pid)}`)

beforeAll(async () => {
  mkdirSync(DIRECTORY, { recursive: true })
  await build({
    entryPoints: [join(ROOT, 'src/cli/main.ts')],
    absWorkingDir: ROOT,
    outbase: ROOT,
    outdir: DIRECTORY,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  })
})
afterAll(() => {
  rmSync(DIRECTORY, { recursive: true, force: true })
})

/** Runs lab; `unread` closes its standard output before it writes. */
async function lab(argv: readonly string[], options: { readonly unread?: boolean; readonly cwd?: string } = {}) {
  const child = spawn(process.execPath, [join(DIRECTORY, 'src/cli/main.js'), ...argv], { cwd: options.cwd ?? '/' })
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()))
  if (options.unread === true) child.stdout.destroy()
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { exitCode, ...written }
}

describe('the process', () => {
  it('prints the help and ends with 0', async () => {
    const { exitCode, stdout, stderr } = await lab(['--help'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: lab COMMAND/)
  })

  it('ends with the code of what went wrong', async () => {
    expect(await lab(['upp'])).toEqual({
      exitCode: 64,
      stdout: '',
      stderr: '✗ unknown command \'upp\'\n  → did you mean "up"?\n',
    })
    expect((await lab(['plan', '--json'])).exitCode).toBe(64)
  })

  it('does not mind that nobody reads what it prints', async () => {
    expect(await lab(['--help'], { unread: true })).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect(await lab(['completion', 'bash'], { unread: true })).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })
})
