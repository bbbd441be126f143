import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { TestProject } from 'vitest/node'

const ROOT = resolve(import.meta.dirname, '../..')

/**
 * Brings up one lab for all end-to-end tests, from the project's own lab.yml, in a directory of its own. With
 * `LAB_E2E_DIRECTORY` set, the lab in that directory is used and left as it is: for running one file again and again.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['LAB_E2E_DIRECTORY']
  const directory = given ?? (await mkdtemp(join(tmpdir(), 'lab-e2e-')))
  if (given === undefined) {
    const text = await readFile(join(ROOT, 'lab.yml'), 'utf8')
    await writeFile(join(directory, 'lab.yml'), text.replace(/^name:.*$/m, 'name: e2e'))
    await copyFile(join(ROOT, 'lab.schema.json'), join(directory, 'lab.schema.json'))
  }
  project.provide('labDirectory', directory)
  const run = (args: readonly string[]) =>
    execa(join(ROOT, 'lab'), args, { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] })
  try {
    await run(['up'])
  } catch (error) {
    if (given === undefined) await run(['destroy', '--yes'])
    throw error
  }
  return async () => {
    if (given !== undefined) return
    await run(['destroy', '--yes'])
    await rm(directory, { recursive: true })
  }
}
