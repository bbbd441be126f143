import { UsageError } from '../../model/errors.ts'
import { keyValue, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly build: boolean
  readonly set?: Readonly<Record<string, string>>
}

/** `lab deploy` */
export const register: Register = (cli) => {
  cli
    .command('deploy [app...]', {
      summary: 'build, push and deploy apps',
      more: 'Waits until they are healthy, and goes back to the version before if they do not become so. Deploying what is deployed changes nothing.',
      examples: [
        'lab deploy                   the apps of lab.yml, in their order',
        'lab deploy nodeapp           apps/nodeapp',
        'lab deploy ./shop            a directory with a compose.yml',
        'lab deploy shop --set replicas=2 --set memory=256M   parameters of a compose.yml.hbs',
      ],
    })
    .option('--no-build', 'deploy what was pushed last')
    .option('--set <key=value>', 'set a parameter of the app; may be given several times', keyValue)
    .action((apps: readonly string[], { build, set = {}, ...options }: Options) =>
      cli.session.work(options, {
        command: ['deploy', ...apps].join(' '),
        run: async (lab) => {
          const { deploy } = await import('../../workflows/deploy.ts')
          const wanted = apps.length > 0 ? apps : lab.spec.apps
          if (wanted.length === 0)
            throw new UsageError('which app? lab.yml lists none', {
              hint: 'lab deploy APP, or give lab.yml a line: apps: [...]',
            })
          for (const app of wanted) await deploy(lab, { app, build, set, workingDirectory: cli.io.cwd })
        },
      }),
    )
}
