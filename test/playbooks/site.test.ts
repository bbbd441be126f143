import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import site from '../../playbooks/site.ts'
import { choosePlays, stagesOf } from '../../src/executor/select-plays.ts'
import type { Role } from '../../src/model/lab-spec.ts'
import type { Site } from '../../src/model/site.ts'
import { CERTIFICATE, content, makeSite, stepsOf, titles } from './classic-site.ts'

describe('the classic site', () => {
  let made: Site
  beforeAll(() => {
    made = makeSite()
  })

  test('is the same for the same lab', () => {
    for (const { name } of made.nodes) expect(titles(makeSite(), name)).toEqual(titles(made, name))
  })

  test('decides each file of a node in one place', () => {
    for (const { name } of made.nodes) {
      const paths = stepsOf(made, name).flatMap(({ step }) => step.files)
      expect(paths.length).toBeGreaterThan(15)
      expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([])
    }
  })

  test('lets no node slow its network down while another one is still coming onto the overlay', () => {
    const plays = site.flatMap((book) => (typeof book.plays === 'function' ? book.plays(made) : book.plays))
    const stages = stagesOf(choosePlays(plays, made.nodes, {}).plays)
    const stageOf = (name: string) => stages.findIndex((stage) => stage.some(({ play }) => play.name === name))
    expect(stageOf('The overlay network')).toBeLessThan(stageOf('A probe in it on every node'))
    expect(stageOf('A probe in it on every node')).toBe(stageOf('The edge'))
    expect(stageOf('The edge')).toBeLessThan(stageOf('The network as lab.yml wants it'))
  })

  test('shows no secret in titles, previews or commands', () => {
    const secrets = [
      'c2VjcmV0',
      'tls-private',
      'ca-private',
      'pass-word',
      '$2b$08$hash',
      Buffer.from('lab:pass-word').toString('base64'),
    ]
    for (const { name } of made.nodes) {
      const shown = stepsOf(made, name).map(({ step }) => `${step.title} ${step.preview?.content ?? ''}`)
      for (const secret of secrets) expect(shown.filter((text) => text.includes(secret))).toEqual([])
    }
    const secretFiles = stepsOf(made, 'node1').filter(({ step }) =>
      step.files.some((path) => /id_ed25519|tls\.key|htpasswd|config\.json/.test(path)),
    )
    expect(secretFiles).toHaveLength(4)
    expect(secretFiles.every(({ step }) => step.preview === undefined)).toBe(true)
  })

  test('gives each node what its roles need, and no more', () => {
    const has = (name: string, part: string) => titles(made, name).some((title) => title.includes(part))
    expect(['mgmt', 'node1', 'node2'].filter((name) => has(name, 'docker-registry'))).toEqual(['node1'])
    expect(['mgmt', 'node1', 'node2'].filter((name) => has(name, 'container lab-edge'))).toEqual(['mgmt'])
    expect(['mgmt', 'node1', 'node2'].filter((name) => has(name, 'lab-volumes: running'))).toEqual(['node1', 'node2'])
    expect(['mgmt', 'node1', 'node2'].filter((name) => has(name, 'container lab-probe'))).toEqual([
      'mgmt',
      'node1',
      'node2',
    ])
    expect(['mgmt', 'node1', 'node2'].filter((name) => has(name, 'transfer/id_ed25519'))).toEqual(['node1', 'node2'])
    expect(titles(made, 'mgmt')).toContain('in the swarm as manager')
    expect(titles(made, 'node2')).toContain('in the swarm as worker')
  })

  test('answers names of nodes, registry and logs on every node, and nothing public', () => {
    for (const { name } of made.nodes) {
      expect(content(made, name, '/etc/lab/hosts')).toBe(
        '10.90.0.11 mgmt.lab.local mgmt\n10.90.0.12 node1.lab.local node1\n10.90.0.13 node2.lab.local node2\n' +
          '10.90.0.12 registry.lab.local\n10.90.0.12 logs.lab.local\n',
      )
      expect(content(made, name, '/etc/lab/dnsmasq.conf')).toMatch(/^listen-address=10\.88\.0\.1$/m)
      expect(content(made, name, '/etc/lab/dnsmasq.conf')).not.toMatch(/^server=/m)
      expect(JSON.parse(content(made, name, '/etc/docker/daemon.json') ?? '')).toMatchObject({
        bip: '10.88.0.1/24',
        dns: ['10.88.0.1'],
        mtu: 1400,
        'userland-proxy': false,
      })
      expect(content(made, name, '/etc/docker/daemon.json')).not.toContain('hosts')
    }
  })

  test('sends what the logs node itself writes by a second process, so that the server can be killed', () => {
    expect(titles(made, 'node1')).toContain('service lab-log.service: running, enabled')
    expect(content(made, 'node1', '/etc/rsyslog.d/lab.conf')).toContain('input(type="imrelp" address="10.90.0.12"')
    expect(content(made, 'node1', '/etc/lab/log-forward.conf')).toContain('target="10.90.0.12"')
    expect(content(made, 'node2', '/etc/rsyslog.d/lab.conf')).toContain('target="10.90.0.12"')
    expect(content(made, 'node2', '/etc/systemd/system/lab-log.socket')).toContain('Service=rsyslog.service')
    expect(content(made, 'node1', '/etc/systemd/system/lab-log.socket')).toContain('Service=lab-log.service')
  })

  test("names the pool's file by lab and node, and asks for the driver of lab.yml", () => {
    const script = content(made, 'node2', '/usr/local/lib/lab/volume-pool') ?? ''
    expect(script).toContain('image=/var/lib/lab/pool-classic-0a1b2c-node2.img\n')
    expect(script).toContain('truncate -s 1073741824 ')
    expect(script).toContain('wanted=auto\n')
  })

  test('gives every node that is an edge one, and takes it from those that no longer are', () => {
    const roles: readonly Role[] = ['worker', 'edge']
    const nodes = made.nodes.map((node) => (node.name === 'node2' ? { ...node, roles } : node))
    const more = { ...made, nodes }
    const has = (part: string) =>
      ['mgmt', 'node1', 'node2'].filter((name) => titles(more, name).some((title) => title.includes(part)))
    expect(has('container lab-edge')).toEqual(['mgmt', 'node2'])
    expect(has('remove the edge this node had')).toEqual(['node1'])
  })

  test('leads any number of ports to the edge, at most 15 a rule', () => {
    const rules = (content(made, 'mgmt', '/usr/local/lib/lab/edge-ports') ?? '').match(/--dports \S+/g) ?? []
    expect(rules).toHaveLength(2)
    expect(rules[0]).toMatch(/^--dports 80,1000:1050,/)
    for (const rule of rules) expect(rule.split(/[,:]/).length).toBeLessThanOrEqual(15)
    expect(rules.join(',').match(/\d+:\d+/g)).toHaveLength(9)
  })

  test('lets the transfer key in for its one command only, beside the key that lab itself comes with', () => {
    expect(content(made, 'node1', '/root/.ssh/authorized_keys2')).toMatch(
      /^restrict,command="[^"]+" ssh-ed25519 AAAAtransfer/,
    )
    expect(stepsOf(made, 'node1').flatMap(({ step }) => step.files)).not.toContain('/root/.ssh/authorized_keys')
  })
})

test("the host's proxy reaches apt and the engine, keeps the lab's own networks out, and is shown nowhere", () => {
  const made = makeSite({ host: { extraCertificates: undefined, proxy: { HTTPS_PROXY: 'http://u:hush@proxy:3128' } } })
  const files = stepsOf(made, 'mgmt').filter(({ step }) => step.files.some((path) => path.includes('proxy')))
  expect(files.flatMap(({ step }) => step.files)).toEqual(['/etc/apt/apt.conf.d/95lab-proxy', '/etc/lab/proxy.env'])
  expect(files.every(({ step }) => step.preview === undefined && !step.title.includes('hush'))).toBe(true)
  expect(content(made, 'mgmt', '/etc/systemd/system/docker.service.d/lab.conf')).toContain(
    'EnvironmentFile=-/etc/lab/proxy.env',
  )
  expect(titles(makeSite(), 'mgmt')).toContain('remove /etc/lab/proxy.env')
})

test("the host's own authorities are trusted like the lab's, each by its signature", async () => {
  const extra = CERTIFICATE('QQ==\nONE=') + CERTIFICATE('QQ==\nTWO=')
  const made = makeSite({ host: { extraCertificates: extra, proxy: {} } })
  expect(content(made, 'node2', '/usr/local/share/ca-certificates/lab-host.crt')).toBe(extra)
  const trust = stepsOf(made, 'node2').find(({ step }) => step.title === 'trust lab, lab-host')
  const [question] = trust?.step.queries ?? []
  const trusts = async (...lines: readonly string[]) => {
    // The bundle comes on standard input.
    const script = question?.script.replace('/etc/ssl/certs/ca-certificates.crt', '-') ?? ''
    const { exitCode } = await execa('sh', ['-c', script], { input: `${lines.join('\n')}\n`, reject: false })
    return exitCode === 0
  }
  expect(await trusts('TWO=', 'QQ==', 'LABCA=', 'ONE=', 'ONE=')).toBe(true)
  expect(await trusts('TWO=', 'QQ==', 'LABCA=', 'ANYONE=', 'TWO=')).toBe(false)
  expect(await trusts('QQ==')).toBe(false)
})

test('a host that was there before keeps its own syslog: containers’ lines have processes of their own', () => {
  const made = makeSite()
  const ssh = makeSite({ spec: { ...made.spec, provider: 'ssh' } })
  expect(titles(made, 'node2')).toContain('write /etc/rsyslog.conf')
  for (const node of ['mgmt', 'node1', 'node2']) {
    expect(titles(ssh, node).filter((title) => title.includes('rsyslog') && !title.startsWith('install'))).toEqual([])
  }
  expect(titles(ssh, 'node1')).toContain('write /etc/systemd/system/lab-log-central.service')
})

test('each node has the packages of its own system', () => {
  const systems = { mgmt: 'debian 12', node1: 'ubuntu 24.04' } as const
  const plain = makeSite()
  const mixed = makeSite({
    nodes: plain.nodes.map((node) =>
      node.name === 'mgmt' || node.name === 'node1' ? { ...node, system: systems[node.name] } : node,
    ),
  })
  const later = 'know the packages of trixie'
  expect(titles(mixed, 'mgmt').indexOf(later)).toBeLessThan(
    titles(mixed, 'mgmt').indexOf('install docker.io, docker-cli, docker-compose, docker-buildx'),
  )
  expect(titles(mixed, 'mgmt')).toContain(later)
  expect(titles(mixed, 'node1')).toContain('install docker.io, docker-compose-v2, docker-buildx')
  expect([...titles(mixed, 'node1'), ...titles(mixed, 'node2')]).not.toContain(later)
})
