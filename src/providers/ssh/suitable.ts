import type { LabIdentity } from '../../model/lab-spec.ts'
import { fromLater, isSystem, type System } from '../../model/packages.ts'
import type { Survey } from './survey.ts'

const ARCHITECTURES: readonly string[] = ['x86_64', 'aarch64']
const GIB = 2 ** 30
/** Packages, an engine's images and logs; the pool grows with what is put in it. */
const LEAST_FREE = 3 * GIB

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
  if (engine !== undefined && (engine.swarm !== 'inactive' || engine.containers > 0 || engine.images > 0)) {
    const holds = `${String(engine.containers)} containers and ${String(engine.images)} images`
    const member = engine.swarm === 'inactive' ? '' : ', and is in a swarm'
    problems.push(`its engine is in use (${holds}${member}): lab would get in the way of that`)
  }
  if (survey.rootLogin === 'no') {
    problems.push(
      'its sshd lets root in by no key (PermitRootLogin no), and volumes move between nodes by one that can do nothing else: say PermitRootLogin forced-commands-only',
    )
  }
  return problems
}
