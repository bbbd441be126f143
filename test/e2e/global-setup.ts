import { resolve } from 'node:path'
import { execa } from 'execa'
import type { TestProject } from 'vitest/node'
import { openLabLeases } from './lab-leases.ts'
import { destroyLab, destroyOrphans, makeLab } from './own-lab.ts'

const LAUNCHER = resolve(import.meta.dirname, '../../lab')

/**
 * Brings up the labs of the end-to-end tests, one for each file that runs at a time, from the project's own lab.yml, each
 * in a directory of its own. With `LAB_E2E_DIRECTORY` set, the lab in that directory is used and left as it is: for running
 * one file again and again.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['LAB_E2E_DIRECTORY']
  await destroyOrphans()
  const count = project.config.maxWorkers
  const made = given === undefined ? await Promise.all(Array.from({ length: count }, () => makeLab('e2e'))) : []
  const directories = given === undefined ? made : [given]
  const leases = await openLabLeases(directories)
  project.provide('labLeases', leases.socket)
  const destroy = () => Promise.all([leases.close(), ...made.map(destroyLab)])
  try {
    // One after the other: the first one makes the images for both.
    for (const cwd of directories) await execa(LAUNCHER, ['up'], { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  } catch (error) {
    await destroy()
    throw error
  }
  return async () => {
    await destroy()
  }
}
