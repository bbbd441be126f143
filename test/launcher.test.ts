import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let root = ''

/** A checkout that is installed and compiled: its program prints what it was started with. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-launcher-'))
  await copyFile(resolve(import.meta.dirname, '../lab'), join(root, 'lab'))
  for (const directory of ['node_modules', 'src', 'playbooks', 'scripts', 'dist/src/cli', 'old'])
    await mkdir(join(root, directory), { recursive: true })
  for (const file of ['package.json', 'package-lock.json', 'build.mjs', 'scripts/bundle.mjs', 'node_modules/.lab-lock'])
    await writeFile(join(root, file), '{}')
  await writeFile(join(root, 'dist/src/cli/main.js'), 'console.log(JSON.stringify(process.argv.slice(2)))')
  await writeFile(join(root, 'dist/.built'), '')
  await writeFile(
    join(root, 'old/node'),
    `#!/bin/sh\nprintf 'asked\\n' >>"${root}/asked"\necho 'v18.19.0 /usr/bin/node'\n`,
  )
  await chmod(join(root, 'old/node'), 0o755)
})
afterAll(() => rm(root, { recursive: true }))

const withOldNode = () => ({ PATH: `${join(root, 'old')}${delimiter}${process.env['PATH'] ?? ''}` })

describe('the launcher', () => {
  test('passes on what was typed, word for word, also through a link', async () => {
    const typed = ['sh', 'echo "$HOME" *', '', '--on', 'node1']
    await symlink(join(root, 'lab'), join(root, 'old/lab'))
    for (const program of [join(root, 'lab'), join(root, 'old/lab')]) {
      const { stdout, stderr } = await execa(program, typed)
      expect({ typed: JSON.parse(stdout) as unknown, stderr }).toEqual({ typed, stderr: '' })
    }
  })

  test('remembers which Node.js it has found to be new enough', async () => {
    await rm(join(root, 'node_modules/.lab-node'), { force: true })
    await execa(join(root, 'lab'), [])
    const known = await readFile(join(root, 'node_modules/.lab-node'), 'utf8')
    expect(known).toMatch(/^\s*\d+ \/.*node\n$/)
  })

  test('refuses a Node.js that is too old, each time, whatever it knew of another one', async () => {
    await execa(join(root, 'lab'), [])
    for (const time of [1, 2]) {
      const { exitCode, stderr } = await execa(join(root, 'lab'), [], { reject: false, env: withOldNode() })
      expect(exitCode).toBe(1)
      expect(stderr).toMatch(/Node\.js v18\.19\.0 is too old\n {2}try: install Node\.js 20\.12 or newer/)
      expect((await readFile(join(root, 'asked'), 'utf8')).trim().split('\n')).toHaveLength(time)
    }
  })
})
