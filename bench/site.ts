import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { PACKAGES } from '../src/model/packages.ts'
import type { Lab } from './lab.ts'
import { interleave, peakMemory, timed } from './measure.ts'
import type { Row } from './report.ts'
import { rivals } from './rivals.ts'
import type { Bench, Session } from './session.ts'
import { ansiblePlay } from './states.ts'

// Twenty states of the site that every node has: three lists of packages, thirteen files, a directory, three services.
const LISTS = [PACKAGES.base, PACKAGES.engine, PACKAGES.logging]
const FILES = [
  '/usr/local/share/ca-certificates/lab.crt',
  '/usr/local/lib/lab/resolver',
  '/etc/systemd/system/lab-resolver.service',
  '/etc/lab/hosts',
  '/etc/lab/dnsmasq.conf',
  '/etc/systemd/system/lab-dns.service',
  '/etc/docker/certs.d/registry.lab.local:5000/ca.crt',
  '/root/.docker/config.json',
  '/etc/containerd/config.toml',
  '/etc/docker/daemon.json',
  '/etc/systemd/system/docker.service.d/lab.conf',
  '/etc/systemd/system/lab-log.socket',
  '/etc/rsyslog.conf',
]
const DIRECTORY = '/var/lib/lab/log-queue'
const SERVICES = ['lab-dns', 'docker', 'rsyslog']

/** The converged site: what `lab up` and `lab plan` cost when nothing is to be done. */
export const bench: Bench = {
  title: 'The whole site, converged: nothing to do on any node',
  summary: 'a converged lab up of the whole site beside ansible-playbook over 20 of its states on the same nodes',
  async run(session) {
    const lab = await session.lab()
    const others = await rivals(session, lab)
    const playbook = await sitePlaybook(session, lab)
    await lab.run(['up'])
    const figures = await interleave(
      session.options.rounds ?? 5,
      {
        up: () => timed(() => lab.converged(['up'])),
        plan: () => timed(() => lab.converged(['plan'])),
        ansible: () => others.ansible(playbook, true),
      },
      session.say,
    )
    const memory = await peakMemory(session.temporary, (env) => lab.run(['up'], { env }))
    const recap = await lab.last<{ readonly hosts: Readonly<Record<string, { readonly ok: number }>> }>(['up'])
    const steps = Object.values(recap.hosts).reduce((sum, { ok }) => sum + ok, 0)
    const up: Row = { what: 'lab up', unit: 'ms', values: figures.up, goal: 'under 2 s, aim 1.5 s' }
    const ansible: Row = {
      what: 'ansible-playbook',
      ...{ unit: 'ms', values: figures.ansible, against: up, goal: 'at least 30' },
    }
    return {
      rows: [
        up,
        { what: 'lab plan', unit: 'ms', values: figures.plan, against: up },
        ansible,
        { what: 'lab up, peak memory', unit: 'MiB', values: [memory], goal: 'under 150 MiB' },
      ],
      notes: [
        `lab up: the whole site, ${String(steps)} steps on ${String(lab.nodes.length)} nodes, the machines and the swarm's records.`,
        `ansible-playbook: 20 states a node out of these, the same packages, files and services. ${others.versions}`,
      ],
    }
  },
}

/** The files are those of the nodes, so that what Ansible compares is what lab put there. */
async function sitePlaybook(session: Session, lab: Lab): Promise<string> {
  const files = join(session.temporary, 'files')
  for (const node of lab.nodes) {
    await mkdir(join(files, node), { recursive: true, mode: 0o700 })
    await $({
      quiet: true,
      signal: session.signal,
    })`docker exec ${lab.container(node)} tar -C / -c ${FILES.map((path) => path.slice(1))} | tar -x -C ${join(files, node)}`
  }
  const modes = (await lab.inside(lab.manager, ['stat', '-c', '%a', ...FILES])).split('\n')
  const tasks = [
    ...LISTS.map((packages) => ({ 'ansible.builtin.apt': { name: packages, state: 'present' } })),
    ...FILES.map((path, index) => ({
      'ansible.builtin.copy': {
        src: `${files}/{{ inventory_hostname }}${path}`,
        ...{ dest: path, mode: `0${modes[index] ?? '644'}`, owner: 'root', group: 'root' },
      },
    })),
    { 'ansible.builtin.file': { path: DIRECTORY, state: 'directory', mode: '0700', owner: 'root', group: 'root' } },
    ...SERVICES.map((name) => ({ 'ansible.builtin.systemd_service': { name, state: 'started', enabled: true } })),
  ]
  const path = join(session.temporary, 'site.yml')
  await writeFile(path, ansiblePlay(tasks))
  return path
}
