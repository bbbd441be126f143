import { readdir, readFile } from 'node:fs/promises'
import type { NetworkInspectInfo } from 'dockerode'
import { LABELS } from '../../src/model/names.ts'
import { docker } from '../e2e/harness.ts'

/** What a lab could leave on a host, beside what other labs have there at the moment. */
export interface HostState {
  readonly containers: readonly string[]
  readonly volumes: readonly string[]
  readonly networks: readonly string[]
  readonly images: readonly string[]
  /** Mounts of the engine that belong to no container, and of anybody that name one of the labs. */
  readonly mounts: readonly string[]
  readonly loops: readonly string[]
}

interface Labelled {
  readonly Name: string
  readonly Labels: Readonly<Record<string, string>> | null
}

interface InspectedContainer {
  readonly Id: string
  readonly Name: string
  readonly Config: Pick<Labelled, 'Labels'>
  readonly GraphDriver: { readonly Data: Readonly<Record<string, string>> | null }
  readonly NetworkSettings: { readonly SandboxKey: string }
}

/** Looks at the whole host; of what other labs than `ids` carry their label on, nothing is listed. */
export async function hostState(ids: readonly string[]): Promise<HostState> {
  const containers = await inspected<InspectedContainer>(['ps', '-aq', '--no-trunc'], 'container')
  const volumes = await inspected<Labelled>(['volume', 'ls', '-q'], 'volume')
  const networks = await inspected<NetworkInspectInfo>(['network', 'ls', '-q', '--no-trunc'], 'network')
  const images = (await docker('images', '-q', '--no-trunc')).split('\n')
  const counts = (labels: Readonly<Record<string, string>> | null) => {
    const lab = labels?.[LABELS.lab]
    return lab === undefined || ids.includes(lab)
  }
  const standing = containers.flatMap(({ Id, GraphDriver, NetworkSettings }) => [
    ...Object.values(GraphDriver.Data ?? {}),
    NetworkSettings.SandboxKey,
    Id,
  ])
  const ours = (line: string) => ids.some((id) => line.includes(id))
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').filter((line) => {
    const [, point = ''] = line.split(' ')
    const orphan = /\/docker\/(?:overlay2|containers|netns)\//.test(point) || point.startsWith('/run/docker/netns/')
    const stands = standing.some((path) => path !== '' && (line.includes(path) || path.includes(point)))
    return ours(line) || (orphan && !stands && !point.endsWith('/default'))
  })
  return {
    containers: containers.flatMap(({ Name, Config }) => (counts(Config.Labels) ? [Name] : [])).sort(),
    volumes: volumes.flatMap(({ Name, Labels }) => (counts(Labels) ? [Name] : [])).sort(),
    networks: networks.flatMap(({ Name, Labels }) => (counts(Labels ?? null) ? [Name] : [])).sort(),
    images: [...new Set(images)].sort(),
    mounts: mounts.sort(),
    loops: await loopFiles(ours),
  }
}

/** Everything an engine lists, inspected; what goes meanwhile is left out. */
async function inspected<T>(list: readonly string[], kind: string): Promise<readonly T[]> {
  const names = (await docker(...list)).split('\n').filter((name) => name !== '')
  const found = await Promise.all(
    names.map((name) =>
      docker(kind, 'inspect', name).then(
        (text) => JSON.parse(text) as readonly T[],
        () => [],
      ),
    ),
  )
  return found.flat()
}

async function loopFiles(ours: (line: string) => boolean): Promise<readonly string[]> {
  const devices = (await readdir('/sys/block').catch((): string[] => [])).filter((name) => name.startsWith('loop'))
  const files = await Promise.all(
    devices.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')),
  )
  return files.map((file) => file.trim()).filter(ours)
}
