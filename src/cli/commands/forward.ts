import { wholeNumber, type Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly local?: number
}

/** `lab forward` */
export const register: Register = (cli) => {
  cli
    .command('forward', {
      summary: 'open any port of a service on this host',
      more: 'For ports that the service does not publish. Stays open until Ctrl-C; only this host can reach it.',
      examples: ['lab forward mongo 27017', 'lab forward nodeapp 3000 --local 9000'],
    })
    .argument('<service>', 'name of the service')
    .argument('<port>', 'port in its containers', wholeNumber('a port', 1, 65_535))
    .option('--local <port>', 'port here; the same one or a free one when absent', wholeNumber('a port', 1, 65_535))
    .action((service: string, port: number, { local, ...options }: Options) =>
      cli.session.direct(options, async (lab) => {
        const { forward } = await import('../../workflows/forward.ts')
        await forward(lab, { service, port, localPort: local }, (opened) => {
          const address = `127.0.0.1:${String(opened)}`
          if (options.json) cli.io.out(JSON.stringify({ service, port, local: address }))
          else cli.io.out(`${address} leads to port ${String(port)} of ${service}; Ctrl-C closes it`)
        })
      }),
    )
}
