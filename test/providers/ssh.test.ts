import { createHmac } from 'node:crypto'
import { homedir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { elevate } from '../../src/connections/elevation.ts'
import { parseClientConfig } from '../../src/providers/ssh/client-config.ts'
import { knownKeys } from '../../src/providers/ssh/known-hosts.ts'
import { systemOf, unsuitable } from '../../src/providers/ssh/suitable.ts'
import { networkOf, parseSurvey } from '../../src/providers/ssh/survey.ts'

const LAB = { id: 'mine-abc123', name: 'mine', directory: '/home/me', stateDirectory: '/home/me/.lab' }

describe('known hosts', () => {
  const salt = Buffer.from('some salt of twenty!').toString('base64')
  const hash = createHmac('sha1', Buffer.from(salt, 'base64')).update('[hidden.example]:2222').digest('base64')
  const text = [
    '# a comment',
    'one.example,10.0.0.5 ssh-ed25519 AAAA1',
    'one.example ecdsa-sha2-nistp256 AAAA2 with a comment',
    '*.lan,!bad.lan ssh-rsa AAAA3',
    `|1|${salt}|${hash} ssh-ed25519 AAAA4`,
    '@cert-authority *.example ssh-ed25519 AAAA5',
    '@revoked one.example ecdsa-sha2-nistp256 AAAA2',
  ].join('\n')
  it.each([
    ['One.Example', 22, ['ssh-ed25519 AAAA1']],
    ['10.0.0.5', 22, ['ssh-ed25519 AAAA1']],
    ['one.example', 2222, []],
    ['a.lan', 22, ['ssh-rsa AAAA3']],
    ['bad.lan', 22, []],
    ['hidden.example', 2222, ['ssh-ed25519 AAAA4']],
    ['hidden.example', 22, []],
  ])('of %s port %i', (host, port, keys) => {
    expect(knownKeys(text, host, port).keys).toEqual(keys)
  })
})

describe('the configuration of ssh', () => {
  it('is taken as ssh -G tells it', () => {
    const text = `hostname 10.9.8.7
port 2200
user deploy
identityfile ~/.ssh/id_ed25519
identityfile /keys/%r@%h
identityagent none
userknownhostsfile ~/.ssh/known_hosts /other
globalknownhostsfile /etc/ssh/ssh_known_hosts
proxyjump gate,me@inner:2022`
    expect(parseClientConfig(text, 'alias')).toEqual({
      host: '10.9.8.7',
      port: 2200,
      user: 'deploy',
      alias: undefined,
      keyFiles: [`${homedir()}/.ssh/id_ed25519`, '/keys/deploy@10.9.8.7'],
      agent: undefined,
      knownHosts: [`${homedir()}/.ssh/known_hosts`, '/other', '/etc/ssh/ssh_known_hosts'],
      jump: ['gate', 'me@inner:2022'],
    })
  })

  it('with a ProxyCommand is refused, and says what to write', () => {
    expect(() => parseClientConfig('hostname a\nproxycommand nc %h %p', 'a')).toThrow(/ProxyCommand for a/)
  })
})

describe('becoming root', () => {
  it('keeps the password out of the command and marks where the rest of the input begins', () => {
    const { text, preface } = elevate('exec id', { password: 'correct horse' })
    expect(text).not.toContain('correct horse')
    expect(text).toMatch(/^exec sudo -k -S -p '' -H -- sh -c /)
    expect(preface).toMatch(/^correct horse\n.+\n$/)
    expect(elevate('exec id', {})).toEqual({ text: "exec sudo -n -H -- sh -c 'cd; exec id'", preface: '' })
    expect(elevate('exec id', undefined)).toEqual({ text: 'exec id', preface: '' })
  })
})

const ANSWER = (more: Readonly<Record<string, string>> = {}) => {
  const parts: Readonly<Record<string, string>> = {
    root: '0',
    hostkey: 'ssh-ed25519 AAAAC3 root@host',
    sshd: 'port 22\npermitrootlogin without-password',
    system: 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"',
    architecture: 'x86_64',
    addresses: '10.0.3.5 172.17.0.1 fd00::5',
    routes: `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 0103000A 0003 0 0 0 00000000 0 0 0
eth0 0003000A 00000000 0001 0 0 0 00FFFFFF 0 0 0
docker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0`,
    mtus: 'eth0 1450\nlo 65536',
    systemd: 'yes',
    apt: '/usr/bin/apt-get',
    disk: '/dev/vda 100000000 1000 90000000 1% /',
    ...more,
  }
  return Object.entries(parts)
    .map(([name, text]) => `\n== ${name}\n${text}\n`)
    .join('')
}

const NETWORKS = 'bridge\nhost\nnone\ndocker_gwbridge'

describe('a host as it is found', () => {
  it('tells its network from the kernel alone', () => {
    const survey = parseSurvey(ANSWER(), 'node1')
    expect(networkOf(survey, '10.0.3.5')).toEqual({ subnet: '10.0.3.0/24', mtu: 1450 })
    expect(networkOf(survey, '192.168.0.1')).toBeUndefined()
    expect(survey.hostKey).toBe('ssh-ed25519 AAAAC3')
    expect(survey.routes.map(({ subnet }) => subnet)).toEqual(['10.0.3.0/24', '172.17.0.0/16'])
    expect(unsuitable(survey, LAB, 'node1')).toEqual([])
  })

  it.each([
    [{ system: 'PRETTY_NAME="Fedora 42"\nID=fedora\nVERSION_ID=42' }, /it runs Fedora 42/],
    [{ systemd: '' }, /does not run systemd/],
    [{ disk: '/dev/vda 100 1 1000000 1% /' }, /1\.0 GiB are free/],
    [{ engines: 'docker-ce installed\npodman-docker not-installed' }, /docker-ce is installed/],
    [{ engine: 'active 3 7', networks: NETWORKS }, /in use \(3 containers and 7 images; it is in a swarm\)/],
    [{ engine: 'inactive 0 0', volumes: 'precious\nother', networks: NETWORKS }, /\(the volumes precious, other\)/],
    [{ engine: 'inactive 0 0', volumes: '1\n2\n3\n4\n5\n6', networks: NETWORKS }, /1, 2, 3, 4, 5 and 1 more\)/],
    [{ engine: 'inactive 0 0', networks: `${NETWORKS}\nown` }, /in use \(the networks own\)/],
    [{ engine: ' 0 0' }, /^its engine does not run: .*systemctl start docker/],
    [{ engine: '' }, /^its engine does not run/],
    [
      { left: '/var/lib/docker/volumes/precious/' },
      /^\/var\/lib\/docker\/volumes\/precious\/ .*not installed any more/,
    ],
    [{ sshd: 'permitrootlogin no' }, /PermitRootLogin forced-commands-only/],
    [{ root: '1000' }, /let it use sudo/],
    [
      { machine: JSON.stringify({ lab: 'other-1', node: 'n', directory: '/there' }) },
      /belongs to the lab other-1 \(as n, from \/there\)/,
    ],
  ])('is refused in words: %j', (more, words) => {
    const found = unsuitable(parseSurvey(ANSWER(more), 'node1'), LAB, 'node1')
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(words)
  })

  const SYSTEM = (id: string, version: string) => ({ system: `ID=${id}\nVERSION_ID="${version}"\nPRETTY_NAME="${id}"` })
  it.each([
    ['debian', '12'],
    ['debian', '13'],
    ['ubuntu', '22.04'],
    ['ubuntu', '24.04'],
  ])('is taken with %s %s', (id, version) => {
    const survey = parseSurvey(ANSWER(SYSTEM(id, version)), 'node1')
    expect(unsuitable(survey, LAB, 'node1')).toEqual([])
    expect(systemOf(survey)).toBe(`${id} ${version}`)
  })

  it.each([
    ['debian', '11'],
    ['ubuntu', '20.04'],
    ['ubuntu', '25.10'],
    ['linuxmint', '22'],
  ])('is refused with %s %s, which says what lab sets up', (id, version) => {
    const survey = parseSurvey(ANSWER(SYSTEM(id, version)), 'node1')
    expect(unsuitable(survey, LAB, 'node1')).toEqual([
      expect.stringContaining('lab sets up Debian 12 and 13, Ubuntu 22.04 and 24.04'),
    ])
  })

  it('keeps an engine of its own release, except where lab would exchange it for one of the next', () => {
    const engine = { engine: 'inactive 0 0', volumes: '', networks: NETWORKS }
    const having = { engines: 'docker.io installed\ndocker-compose not-installed', ...engine }
    expect(unsuitable(parseSurvey(ANSWER(having), 'node1'), LAB, 'node1')).toEqual([])
    const old = parseSurvey(ANSWER({ ...having, ...SYSTEM('debian', '12') }), 'node1')
    expect(unsuitable(old, LAB, 'node1')).toEqual([expect.stringContaining('apt-get purge docker.io')])
  })

  it('that is a node already may use its engine', () => {
    const machine = JSON.stringify({ lab: LAB.id, node: 'node1' })
    const survey = parseSurvey(ANSWER({ machine, engine: 'active 3 7', networks: NETWORKS }), 'node1')
    expect(unsuitable(survey, LAB, 'node1')).toEqual([])
  })
})
