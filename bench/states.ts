// The same states for three tools, each in the words its own users would write.

/** A desired state of one thing on a node. */
export type State =
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'service'; readonly unit: string; readonly enabled: boolean }

/** Packages and units that every node of a lab has: a state of them is looked at, never waited for. */
const PACKAGES = ['curl', 'jq', 'procps', 'iproute2', 'ca-certificates']
const ENABLED = ['docker.service', 'rsyslog.service', 'lab-dns.service', 'ssh.service']
const RUNNING = ['containerd.service', 'dbus.service', 'systemd-journald.service', 'docker.socket', 'lab-log.socket']

/**
 * So many states below `tree`: of twenty, one is a package, two are services, four directories, ten files and three
 * links. Beyond a hundred, all are files.
 */
export function makeStates(count: number, tree: string): readonly State[] {
  return Array.from({ length: count }, (_, index): State => {
    const set = Math.floor(index / 20)
    const place = index % 20
    if (index >= 100 || place >= 10) {
      const lines = Array.from({ length: 12 }, (__, line) => `setting-${String(line)} = value of ${String(index)}\n`)
      return {
        kind: 'file',
        path: `${tree}/${String(set % 5)}-0/file-${String(index)}.conf`,
        content: lines.join(''),
        mode: 0o644,
      }
    }
    if (place < 4) return { kind: 'directory', path: `${tree}/${String(set)}-${String(place)}`, mode: 0o750 }
    if (place < 7) {
      return { kind: 'symlink', path: `${tree}/${String(set)}-1/link-${String(place)}`, target: `../${String(set)}-0` }
    }
    if (place < 9) {
      const at = set * 2 + place - 7
      const unit = [...ENABLED, ...RUNNING][at % (ENABLED.length + RUNNING.length)] ?? 'docker.service'
      return { kind: 'service', unit, enabled: ENABLED.includes(unit) }
    }
    return { kind: 'package', name: PACKAGES[set] ?? 'curl' }
  })
}

/** The states as a playbook of lab. */
export function labPlaybook(states: readonly State[]): string {
  const steps = states.map((state) => {
    const { kind, ...options } = state
    if (kind === 'package') return `apt({ packages: [${JSON.stringify(state.name)}] })`
    if (kind === 'service') {
      return `service(${JSON.stringify({ unit: state.unit, running: true, ...(state.enabled ? { enabled: true } : {}) })})`
    }
    return `${kind}(${JSON.stringify(options)})`
  })
  return `import { playbook } from 'lab'
import { apt } from 'lab/steps/apt'
import { directory } from 'lab/steps/directory'
import { file } from 'lab/steps/file'
import { service } from 'lab/steps/service'
import { symlink } from 'lab/steps/symlink'

export default playbook({
  name: 'bench',
  plays: [{ name: 'states', hosts: () => true, steps: [
    ${steps.join(',\n    ')},
  ] }],
})
`
}

/**
 * The states as a play of Ansible, which reads JSON as it reads YAML. No task needs gathered facts, so they are off: an
 * honest user would not pay for them here.
 */
export function ansiblePlaybook(states: readonly State[]): string {
  const tasks = states.map((state): object => {
    switch (state.kind) {
      case 'package':
        return { 'ansible.builtin.apt': { name: state.name, state: 'present' } }
      case 'service':
        return {
          'ansible.builtin.systemd_service': {
            name: state.unit,
            state: 'started',
            ...(state.enabled ? { enabled: true } : {}),
          },
        }
      case 'directory':
        return { 'ansible.builtin.file': { path: state.path, state: 'directory', mode: octal(state.mode) } }
      case 'file':
        return { 'ansible.builtin.copy': { dest: state.path, content: state.content, mode: octal(state.mode) } }
      case 'symlink':
        return { 'ansible.builtin.file': { path: state.path, src: state.target, state: 'link' } }
    }
  })
  return ansiblePlay(tasks)
}

/** One play on all nodes. */
export function ansiblePlay(tasks: readonly object[]): string {
  return `${JSON.stringify([{ hosts: 'all', gather_facts: false, tasks }], null, 2)}\n`
}

/** The states as a deploy of pyinfra. */
export function pyinfraDeploy(states: readonly State[]): string {
  const operations = states.map((state) => {
    switch (state.kind) {
      case 'package':
        return `apt.packages(packages=[${text(state.name)}])`
      case 'service':
        return `systemd.service(service=${text(state.unit)}, running=True${state.enabled ? ', enabled=True' : ''})`
      case 'directory':
        return `files.directory(path=${text(state.path)}, mode=${text(octal(state.mode))})`
      case 'file':
        return `files.put(src=StringIO(${text(state.content)}), dest=${text(state.path)}, mode=${text(octal(state.mode))})`
      case 'symlink':
        return `files.link(path=${text(state.path)}, target=${text(state.target)})`
    }
  })
  return `from io import StringIO
from pyinfra.operations import apt, files, systemd
${operations.join('\n')}
`
}

/** Python reads a string as JSON writes it. */
function text(value: string): string {
  return JSON.stringify(value)
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`
}
