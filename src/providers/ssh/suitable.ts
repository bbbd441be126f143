import type { LabIdentity } from '../../model/lab-spec.ts'
import { fromLater, isSystem, type System } from '../../model/packages.ts'
import type { Survey } from './survey.ts'

const ARCHITECTURES: readonly string[] = ['x86_64', 'aarch64']
const GIB = 2 ** 30
/** Packages, an engine's images and logs; the pool grows with what is put in it. */
const LEAST_FREE = 3 * GIB

/** Names in a message of one line. */
const NAMES_SHOWN = 5

/** Packages that exclude the engine of the distribution. */
const FOREIGN: readonly string[] = ['docker-ce', 'containerd.io', 'podman-docker', 'moby-engine']

/** Pure: what a host runs; undefined where lab does not set it up. */
export function systemOf({ system }: Survey): System | undefined {
  const words = `${system.id} ${system.version}`
  return isSystem(words) ? words : undefined
}

/** Pure: everything that keeps a host from becoming a node of the lab, in words that say what to do. */
export function unsuitable(survey: Survey, lab: LabIdentity, node: string): readonly string[] {
  const { machine, system, architecture, engine } = survey
  if (!survey.isRoot) return ['the user is not root and "sudo: false" stands in lab.yml: let it use sudo']
  if (machine !== undefined && machine.lab !== lab.id) {
    return [
      `it belongs to the lab ${machine.lab} (as ${machine.node}, from ${machine.directory}): "lab destroy" there gives it back`,
    ]
  }
  // Its engine is the lab's own by now.
  if (machine !== undefined) return machine.node === node ? [] : [`it is ${machine.node} of this lab already`]
  const problems: string[] = []
  const known = systemOf(survey)
  if (known === undefined) {
    problems.push(`it runs ${system.title}; lab sets up Debian 12 and 13, Ubuntu 22.04 and 24.04`)
  }
  if (!ARCHITECTURES.includes(architecture)) problems.push(`its processor is ${architecture}: amd64 or arm64 is needed`)
  if (!survey.hasSystemd) problems.push('it does not run systemd')
  if (!survey.hasApt) problems.push('it has no apt-get')
  if (survey.freeBytes < LEAST_FREE) {
    const free = `${(survey.freeBytes / GIB).toFixed(1)} GiB`
    problems.push(`${free} are free below /var/lib: make room for ${String(LEAST_FREE / GIB)} GiB at least`)
  }
  const exchanged = fromLater(known)?.packages ?? []
  for (const name of survey.engines.filter((each) => exchanged.includes(each))) {
    problems.push(
      `${name} is installed, and lab would put that of the next release in its place for good: apt-get purge ${name}`,
    )
  }
  for (const name of survey.engines.filter((each) => FOREIGN.includes(each))) {
    problems.push(`${name} is installed, which excludes the engine of the distribution: apt-get purge ${name}`)
  }
  problems.push(...engineProblems(engine))
  const [first] = survey.left
  if (first !== undefined) {
    problems.push(
      `${first} is of an engine that is not installed any more, and lab's would take it for its own: move /var/lib/docker away`,
    )
  }
  if (survey.rootLogin === 'no') {
    problems.push(
      'its sshd lets root in by no key (PermitRootLogin no), and volumes move between nodes by one that can do nothing else: say PermitRootLogin forced-commands-only',
    )
  }
  return problems
}

function engineProblems(engine: Survey['engine']): readonly string[] {
  if (engine === undefined) return []
  if (engine === 'silent') {
    return [
      'its engine does not run: start it, so that lab can see what it holds ("systemctl start docker", until "docker info" works for root)',
    ]
  }
  const { swarm, containers, images, volumes, networks } = engine
  const holds = [
    ...(containers > 0 || images > 0 ? [`${String(containers)} containers and ${String(images)} images`] : []),
    ...(volumes.length > 0 ? [`the volumes ${named(volumes)}`] : []),
    ...(networks.length > 0 ? [`the networks ${named(networks)}`] : []),
    ...(swarm === 'inactive' ? [] : ['it is in a swarm']),
  ]
  if (holds.length === 0) return []
  return [`its engine is in use (${holds.join('; ')}): lab would get in the way of that`]
}

function named(names: readonly string[]): string {
  const more = names.length > NAMES_SHOWN ? ` and ${String(names.length - NAMES_SHOWN)} more` : ''
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more}`
}
