import { NODE_PATHS } from '../model/names.ts'
import {
  modeOf,
  replicasOf,
  volumeKeys,
  type ComposeConfig,
  type ComposeMount,
  type ComposeService,
} from './compose-config.ts'
import type { Finding, Path } from './compose-file.ts'

/** Directories of a node that are lab's or the engine's own: an app that wrote there could end with two writers. */
const OWN_DIRECTORIES = [NODE_PATHS.state, NODE_PATHS.run, NODE_PATHS.etc, '/var/lib/docker']
const ENGINE_SOCKETS = ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock']
/** Options of a tmpfs that reach the container. */
const TMPFS_OPTIONS = ['size']

/** Problems and remarks about what a service mounts. */
export interface MountReport {
  readonly problems: readonly Finding[]
  readonly remarks: readonly Finding[]
}

/**
 * Pure: judges the mounts of one service. `written` is its `volumes:` as the user wrote it. `sourceDirectory`: where the
 * app's files are on the build node; a bind mount from below it was written relative.
 */
export function checkMounts(
  name: string,
  service: ComposeService,
  written: unknown,
  sourceDirectory: string,
): MountReport {
  const problems: Finding[] = []
  const remarks: Finding[] = []
  const list: Path = ['services', name, 'volumes']
  const mounts = service.volumes ?? []
  for (const [index, mount] of mounts.entries()) {
    const item: unknown = Array.isArray(written) && written.length === mounts.length ? written[index] : undefined
    const path: Path = item === undefined ? list : [...list, index]
    const message = mountProblem(mount, sourceOf(item), sourceDirectory)
    if (message !== undefined) problems.push({ path, part: 'value', message })
    else if (mount.type === 'bind' && mount.read_only !== true) {
      const text = `${mount.source ?? ''} is a directory of whichever node the task runs on; what is written there does not move with it`
      remarks.push({ path, part: 'value', message: text })
    }
  }
  for (const [index, entry] of (service.tmpfs ?? []).entries()) {
    const options = (entry.split(':')[1] ?? '').split(',').filter((option) => option !== '')
    const unknown = options
      .map((option) => option.split('=')[0] ?? '')
      .find((option) => !TMPFS_OPTIONS.includes(option))
    if (unknown === undefined) continue
    const message = `tmpfs option ${unknown}: Swarm passes on the size only`
    problems.push({ path: ['services', name, 'tmpfs', index], part: 'value', message })
  }
  return { problems, remarks }
}

/** Pure: a lab volume belongs to one service with one task, and moves by itself. */
export function checkVolumes(config: ComposeConfig): readonly Finding[] {
  const owners = new Map<string, string>()
  return Object.entries(config.services).flatMap(([name, service]) => {
    const keys = volumeKeys(service)
    if (keys.length === 0) return []
    const at = (path: Path, message: string): Finding => ({ path, part: 'value', message })
    const findings: Finding[] = []
    const list: Path = ['services', name, 'volumes']
    if (keys.length > 1) {
      findings.push(
        at(
          list,
          `service ${name} has ${String(keys.length)} volumes (${keys.join(', ')}), and can have one: each would move by itself`,
        ),
      )
    }
    for (const key of keys) {
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, name)
      else findings.push(at(list, `volume ${key} is used by service ${owner} already: one service has it at a time`))
    }
    const replicas = replicasOf(service)
    if (replicas === undefined) {
      findings.push(
        at(['services', name, 'deploy', 'mode'], `mode ${modeOf(service)} and a volume: one task has it at a time`),
      )
    } else if (replicas > 1) {
      const path: Path = service.deploy?.replicas === undefined ? ['scale'] : ['deploy', 'replicas']
      const message = `${String(replicas)} replicas and volume ${keys.join(', ')}: one task has it at a time`
      findings.push(at(['services', name, ...path], message))
    }
    return findings
  })
}

function mountProblem(mount: ComposeMount, written: string | undefined, sourceDirectory: string): string | undefined {
  if (mount.type === 'tmpfs') {
    return mount.tmpfs?.mode === undefined ? undefined : 'tmpfs mode: Swarm passes on the size only'
  }
  if (mount.type === 'volume') {
    return mount.volume?.subpath === undefined ? undefined : 'subpath: docker stack deploy mounts whole volumes only'
  }
  if (mount.type !== 'bind') return `mounts of type ${mount.type} do not exist on the nodes of a lab`
  const source = mount.source ?? ''
  if (ENGINE_SOCKETS.includes(source)) return `${source}: an app does not get its node's engine`
  if (isBelow(source, sourceDirectory) || written?.startsWith('~') === true) {
    return `nodes are other machines and have no ${written ?? source}: use configs: for a file, COPY in a Dockerfile for a directory, a named volume for data`
  }
  const own = OWN_DIRECTORIES.find((directory) => isBelow(source, directory) || isBelow(directory, source))
  return own === undefined ? undefined : `${own} on a node is not for apps`
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}

/** The source of a mount as the user wrote it, in either form. */
function sourceOf(item: unknown): string | undefined {
  if (typeof item === 'string') return item.split(':')[0]
  if (typeof item !== 'object' || item === null || !('source' in item)) return undefined
  return typeof item.source === 'string' ? item.source : undefined
}
