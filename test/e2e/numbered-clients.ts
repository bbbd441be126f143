import { execa } from 'execa'
import { countAttempts, type NumberedClient } from '../../src/chaos/numbered-client.ts'
import { waitFor } from '../../src/model/wait.ts'
import { container, docker } from './harness.ts'

/** Between two records of a client: it shall write at all times, and leave the processors to what is tested. */
export const PAUSE_MS = 20

/** Runs in a container of nodeapp until its input ends: inserts numbers, each journaled, and says which are kept. */
const INSERT = `
import { MongoClient } from 'mongodb'
process.stdin.on('end', () => process.exit()).resume()
const [series, run, first, pause] = process.argv.slice(1)
const client = new MongoClient('mongodb://mongo:27017', { directConnection: true, retryWrites: false, connectTimeoutMS: 1000,
  serverSelectionTimeoutMS: 2000, socketTimeoutMS: 5000, heartbeatFrequencyMS: 1000, writeConcern: { w: 1, journal: true } })
const records = client.db('torture').collection('c' + series)
for (let number = Number(first), tries = 1; ; tries++) {
  const attempt = [number, run, tries].join('.')
  await new Promise((resolve) => setTimeout(resolve, Number(pause)))
  try {
    await records.insertOne({ attempt })
    console.log('kept', attempt)
    number++
    tries = 0
  } catch {
    // Nobody said it is kept: it is sent again, under another name.
  }
}`

const READ = `
import { MongoClient } from 'mongodb'
const client = new MongoClient('mongodb://mongo:27017', { directConnection: true })
const records = client.db('torture').collection('c' + process.argv[1])
for await (const { attempt } of records.find()) console.log(attempt)
await client.close()`

/** How a script is run in some container of nodeapp. */
function inNodeapp(nodes: readonly string[], script: string, args: readonly string[], signal?: AbortSignal) {
  const look = async () => {
    for (const node of nodes) {
      const host = await container(node)
      const filter = ['-q', '-f', 'label=lab.service=nodeapp', '-f', 'status=running']
      const ps = await execa('docker', ['exec', host, 'docker', 'ps', ...filter], { reject: false, timeout: 5000 })
      const [task] = ps.stdout.split('\n').filter((line) => line !== '')
      if (task === undefined) continue
      return ['exec', '-i', host, 'docker', 'exec', '-i', task, 'node', '--input-type=module', '-e', script, ...args]
    }
    return undefined
  }
  return waitFor(look, {
    deadlineMs: 300_000,
    what: 'a container of nodeapp',
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Pure: the attempt that a line of {@link INSERT} acknowledges. Engines print their own errors among the lines. */
export function acknowledged(line: string): string | undefined {
  return /^kept (\d+\.\d+\.\d+)$/.exec(line)?.[1]
}

/** Inserts straight into the database, past the app: from whatever container of nodeapp is there. */
export function startDatabaseClient(nodes: readonly string[], series: string): NumberedClient {
  const attempts = new Set<string>()
  const stopped = new AbortController()
  let end = () => {
    stopped.abort()
  }
  const loop = async () => {
    for (let run = 1; !stopped.signal.aborted; run++) {
      const args = [series, String(run), String(attempts.size + 1), String(PAUSE_MS)]
      const inserting = execa('docker', await inNodeapp(nodes, INSERT, args), {
        reject: false,
        buffer: false,
        cleanup: true,
        stdin: 'pipe',
      })
      end = () => {
        stopped.abort()
        inserting.stdin.end()
      }
      for await (const line of inserting.iterable()) {
        const attempt = acknowledged(line)
        if (attempt !== undefined) attempts.add(attempt)
      }
      await inserting
    }
  }
  const done = loop()
  return {
    name: 'straight to the database',
    stop: async () => {
      end()
      await done
      return attempts
    },
    kept: async () => {
      const argv = await inNodeapp(nodes, READ, [series])
      return countAttempts(
        (await docker(...argv.filter((word) => word !== '-i'))).split('\n').filter((line) => line !== ''),
      )
    },
  }
}
