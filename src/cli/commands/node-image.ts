import type { Register } from '../program.ts'

/** `lab __node-image`, for the Vagrantfile: makes the image of nodes in containers where it is missing, prints its name. */
export const register: Register = (cli) => {
  cli.program.command('__node-image', { hidden: true }).action(async () => {
    const { nodeImage } = await import('../../workflows/node-image.ts')
    cli.io.out(await nodeImage(cli.io.err, cli.session.signal))
  })
}
