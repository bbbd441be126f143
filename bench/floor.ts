// The least any tool can do that asks every node over SSH: connect with ssh2, send the same questions as one script, read
// the answers. A program of its own, started with: the configuration that `lab ssh-config` prints, a file with the script.
import { readFileSync } from 'node:fs'
import ssh2 from 'ssh2'

interface Target {
  readonly host: string
  readonly port: number
  readonly key: string
}

function targets(config: string): readonly Target[] {
  return config
    .split(/^Host /m)
    .slice(1)
    .map((block) => {
      const value = (name: string) => new RegExp(`^\\s+${name} "?([^"\\n]+)`, 'm').exec(block)?.[1] ?? ''
      return { host: value('HostName'), port: Number(value('Port')), key: value('IdentityFile') }
    })
}

function ask({ host, port, key }: Target, script: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    let bytes = 0
    client.on('error', reject)
    client.on('ready', () => {
      client.exec('sh', (error, channel) => {
        if (error !== undefined) {
          reject(error)
          return
        }
        channel.on('data', (chunk: Buffer) => (bytes += chunk.length))
        channel.stderr.resume()
        channel.on('close', () => {
          client.end()
          resolve(bytes)
        })
        channel.end(script)
      })
    })
    client.connect({ host, port, username: 'root', privateKey: readFileSync(key) })
  })
}

const [config = '', script = ''] = process.argv.slice(2)
const text = readFileSync(script, 'utf8')
const answers = await Promise.all(targets(readFileSync(config, 'utf8')).map((target) => ask(target, text)))
if (answers.length === 0 || answers.includes(0)) throw new Error(`answers of ${answers.join(', ')} bytes`)
