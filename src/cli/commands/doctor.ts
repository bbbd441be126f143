import { resolve } from 'node:path'
import { EXIT, LabError } from '../../model/errors.ts'
import { screenOf } from '../io.ts'
import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab doctor` */
export const register: Register = (cli) => {
  cli
    .command('doctor', {
      summary: 'what the host must have: ok, or what to type',
      more: 'Changes nothing and needs no lab. The exit code is 1 where something is missing.',
      examples: ['lab doctor'],
    })
    .action(async (options: CommonOptions) => {
      const { doctor } = await import('../../workflows/doctor.ts')
      const checks = await doctor(await labOf(cli.io.cwd, options.lab))
      const ok = checks.every((check) => check.ok)
      if (options.json) cli.io.out(JSON.stringify({ ok, checks }))
      else {
        const { renderChecks } = await import('../../reporters/checks-view.ts')
        renderChecks(checks, screenOf(cli.io.stdout, cli.io.env)).forEach(cli.io.out)
      }
      cli.session.exitCode = ok ? EXIT.done : EXIT.failed
    })
}

/**
 * The lab of `--lab`, or of the working directory; there nothing where there is none, for a host is looked at before the
 * first lab is made.
 */
async function labOf(cwd: string, directory: string | undefined) {
  const { loadLab } = await import('../../config/load.ts')
  try {
    return await loadLab(resolve(cwd, directory ?? '.'))
  } catch (error) {
    if (directory === undefined && error instanceof LabError && error.code === 'NO_LAB_FILE') return {}
    throw error
  }
}
