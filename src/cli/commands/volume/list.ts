import type { Register } from '../../program.ts'
import { showVolumes } from '../volumes.ts'

/** `lab volume list` */
export const register: Register = (cli) => {
  cli
    .command('list', { summary: 'volumes: what they hold and where', examples: ['lab volume list'] })
    .action(showVolumes(cli))
}
