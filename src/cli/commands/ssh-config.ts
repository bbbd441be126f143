import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab ssh-config` */
export const register: Register = (cli) => {
  cli
    .command('ssh-config', {
      summary: 'a configuration for ssh, scp and rsync',
      examples: ['lab ssh-config > lab.ssh', 'ssh -F lab.ssh node1', 'rsync -e "ssh -F lab.ssh" -a site/ node1:/srv/'],
    })
    .action((options: CommonOptions) =>
      cli.session.query(
        options,
        async (lab) => ({ config: await (await import('../../workflows/ssh-config.ts')).sshConfig(lab) }),
        ({ config }) => [config.trimEnd()],
      ),
    )
}
