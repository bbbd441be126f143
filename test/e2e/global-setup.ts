import { resolve } from 'node:path'
import { execa } from 'execa'
import type { TestProject } from 'vitest/node'
import { destroyLab, makeLab } from './own-lab.ts'

const LAUNCHER = resolve(import.meta.dirname, '../../lab')

/**
 * Brings up one lab for all end-to-end tests, from the project's own lab.yml, in a directory of its own. With
 * `LAB_E2E_DIRECTORY` set, the lab in that directory is used and left as it is: for running one file again and again.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['LAB_E2E_DIRECTORY']
  const directory = given ?? (await makeLab('e2e'))
  project.provide('labDirectory', directory)
  try {
    await execa(LAUNCHER, ['up'], { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] })
  } catch (error) {
    if (given === undefined) await destroyLab(directory)
    throw error
  }
  return async () => {
    if (given === undefined) await destroyLab(directory)
  }
}
