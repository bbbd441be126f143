import type { PathProblem } from './issue-text.ts'

/** What `provider: ssh` asks for and what only it has a use for. */
export function sshProblems(file: Readonly<Record<string, unknown>>): readonly PathProblem[] {
  const nodes = Array.isArray(file['nodes']) ? (file['nodes'] as readonly unknown[]) : []
  const entries = nodes.map((node) => (isRecord(node) ? node : {}))
  const at = (path: readonly PropertyKey[], message: string, part: PathProblem['part'] = 'key') => ({
    path,
    part,
    message,
  })
  if (file['provider'] !== 'ssh') {
    const message = '"ssh" says how hosts are reached that exist already: it needs provider: ssh'
    return [
      ...(file['ssh'] === undefined ? [] : [at(['ssh'], message)]),
      ...entries.flatMap((entry, index) => (entry['ssh'] === undefined ? [] : [at(['nodes', index, 'ssh'], message)])),
    ]
  }
  const found: PathProblem[] = []
  if (file['nodes'] === undefined) {
    found.push(at(['provider'], 'provider: ssh needs "nodes": name the hosts that exist', 'value'))
  }
  if (typeof file['subnet'] === 'string' && file['subnet'] !== 'auto') {
    found.push(at(['subnet'], 'the network of hosts that exist is their own: leave "subnet" out with provider: ssh'))
  }
  const networks = 'hosts that exist have the networks they have: leave "networks" out with provider: ssh'
  if (file['networks'] !== undefined) found.push(at(['networks'], networks))
  const seen = new Map<string, number>()
  entries.forEach((entry, index) => {
    const ssh = isRecord(entry['ssh']) ? entry['ssh'] : {}
    if (entry['networks'] !== undefined) found.push(at(['nodes', index, 'networks'], networks))
    for (const limit of ['memory', 'cpus'].filter((key) => entry[key] !== undefined)) {
      found.push(at(['nodes', index, limit], `"${limit}" is what the host has: leave it out with provider: ssh`))
    }
    for (const single of ['host', 'address'].filter((key) => entry['count'] !== undefined && ssh[key] !== undefined)) {
      const message = `one "${single}" cannot be that of several nodes: leave it out (each is reached by its own name), or list them one by one`
      found.push(at(['nodes', index, 'ssh', single], message))
    }
    const target = JSON.stringify([ssh['host'], ssh['port']])
    const other = seen.get(target)
    if (ssh['host'] !== undefined && other !== undefined) {
      found.push(
        at(['nodes', index, 'ssh', 'host'], `this host is a node already (entry ${String(other + 1)})`, 'value'),
      )
    } else if (ssh['host'] !== undefined) seen.set(target, index)
    if (ssh['passwordFile'] !== undefined && ssh['sudo'] !== undefined && ssh['sudo'] !== 'password') {
      found.push(at(['nodes', index, 'ssh', 'passwordFile'], '"passwordFile" needs sudo: password beside it'))
    }
  })
  return found
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
